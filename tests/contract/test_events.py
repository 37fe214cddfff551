"""What every event log must do."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streamrec.adapters.memory_events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.adapters.sqlite_events import SqliteEventSink, SqliteEventSource
from streamrec.errors import LogTruncated
from streamrec.ports import COMMANDS, INTERACTIONS, ITEM_VECTORS, EventSink, EventSource, Message

TOPICS = (COMMANDS, INTERACTIONS, ITEM_VECTORS)
OpenSource = Callable[[], EventSource]


@pytest.fixture(params=["memory", "sqlite"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[EventSink, OpenSource]]:
    sources: list[EventSource] = []
    if request.param == "memory":
        memory = MemoryEventLog()
        sink: EventSink = MemoryEventSink(memory)

        def open_source() -> EventSource:
            sources.append(MemoryEventSource(memory, TOPICS, "trainer"))
            return sources[-1]
    else:
        path = tmp_path / "events.db"
        sink = SqliteEventSink(path)

        def open_source() -> EventSource:
            sources.append(SqliteEventSource(path, TOPICS, "trainer"))
            return sources[-1]

    yield sink, open_source
    for source in sources:
        source.close()
    sink.close()


def numbered(n: int, start: int = 0) -> list[Message]:
    return [Message(f"u{i}", str(i).encode()) for i in range(start, start + n)]


def test_reads_what_was_appended_in_order(log: tuple[EventSink, OpenSource]) -> None:
    sink, open_source = log
    sink.append(INTERACTIONS, numbered(5))
    source = open_source()
    records = source.poll(3, 0.01) + source.poll(100, 0.01)
    assert [record.value for record in records] == [b"0", b"1", b"2", b"3", b"4"]
    assert [record.offset for record in records] == [0, 1, 2, 3, 4]
    assert {record.topic for record in records} == {INTERACTIONS}
    assert source.poll(100, 0.01) == []


def test_next_offsets_say_where_another_reader_goes_on(log: tuple[EventSink, OpenSource]) -> None:
    sink, open_source = log
    sink.append(INTERACTIONS, numbered(5))
    first = open_source()
    first.poll(2, 0.01)
    second = open_source()
    second.seek(first.next_offsets())
    assert [record.value for record in second.poll(100, 0.01)] == [b"2", b"3", b"4"]


def test_lag_is_end_less_next(log: tuple[EventSink, OpenSource]) -> None:
    sink, open_source = log
    sink.append(INTERACTIONS, numbered(7))
    source = open_source()
    source.poll(3, 0.01)
    assert source.end_offsets()[INTERACTIONS][0] - source.next_offsets()[INTERACTIONS][0] == 4


def test_seeking_past_the_end_is_refused(log: tuple[EventSink, OpenSource]) -> None:
    sink, open_source = log
    sink.append(INTERACTIONS, numbered(2))
    with pytest.raises(LogTruncated, match="ends at offset 2"):
        open_source().seek({INTERACTIONS: {0: 3}})


def test_commits_are_kept_for_the_group(log: tuple[EventSink, OpenSource]) -> None:
    sink, open_source = log
    sink.append(INTERACTIONS, numbered(2))
    source = open_source()
    assert source.committed() == {}
    source.commit({INTERACTIONS: {0: 1}})
    source.commit({INTERACTIONS: {0: 2}})
    assert open_source().committed() == {INTERACTIONS: {0: 2}}


def test_a_commit_does_not_move_a_new_reader(log: tuple[EventSink, OpenSource]) -> None:
    sink, open_source = log
    sink.append(INTERACTIONS, numbered(2))
    open_source().commit({INTERACTIONS: {0: 2}})
    assert len(open_source().poll(10, 0.01)) == 2


def test_the_last_value_of_a_key_is_always_read(log: tuple[EventSink, OpenSource]) -> None:
    sink, open_source = log
    for value in (b"old", b"new"):
        sink.append(ITEM_VECTORS, [Message("a", value), Message("b", value)])
    sink.append(ITEM_VECTORS, [Message("b", None)])
    last = {record.key: record.value for record in open_source().poll(100, 0.01)}
    assert last == {"a": b"new", "b": None}


def test_a_reader_behind_compaction_misses_no_key(log: tuple[EventSink, OpenSource]) -> None:
    sink, open_source = log
    source = open_source()
    sink.append(ITEM_VECTORS, [Message("a", b"1"), Message("b", b"1")])
    assert len(source.poll(1, 0.01)) == 1
    sink.append(ITEM_VECTORS, [Message("b", b"2"), Message("a", b"2")])
    assert {record.key: record.value for record in source.poll(100, 0.01)} == {"a": b"2", "b": b"2"}


def test_keys_and_values_are_any_text_and_bytes(log: tuple[EventSink, OpenSource]) -> None:
    sink, open_source = log
    sink.append(INTERACTIONS, [Message("a/🎬'\"", b"\x00\xff")])
    (record,) = open_source().poll(10, 0.01)
    assert (record.key, record.value) == ("a/🎬'\"", b"\x00\xff")


def test_appending_nothing_is_nothing(log: tuple[EventSink, OpenSource]) -> None:
    sink, open_source = log
    sink.append(INTERACTIONS, [])
    assert open_source().end_offsets()[INTERACTIONS] == {0: 0}
