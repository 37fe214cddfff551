"""Contract of every event log."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.adapters.opening import open_event_sink, open_event_source
from streamrec.errors import InvalidInput, LeaseLost, LogTruncated
from streamrec.ports import (
    COMMANDS,
    INTERACTIONS,
    ITEM_VECTORS,
    USER_VECTORS,
    EventSink,
    EventSource,
    Fence,
    Message,
    Offsets,
    Record,
    n_between,
)

TOPICS = (COMMANDS, INTERACTIONS, ITEM_VECTORS)

PATIENCE_S = 10.0
"""A poll ends as soon as there is something: only a log that has lost it makes a test wait so long."""


class Log:
    """A log under test: one sink, and as many sources as a test wants."""

    def __init__(self, sink: EventSink, open_one: Callable[[str], EventSource]) -> None:
        self.sink = sink
        self._open_one = open_one
        self._sources: list[EventSource] = []

    def open_source(self, group: str = "trainer") -> EventSource:
        self._sources.append(self._open_one(group))
        return self._sources[-1]

    def close(self) -> None:
        for source in self._sources:
            source.close()
        self.sink.close()


@pytest.fixture(params=["memory", "sqlite", "kafka", "kafka+confluent"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    if request.param == "memory":
        memory = MemoryEventLog()
        opened = Log(MemoryEventSink(memory), lambda group: MemoryEventSource(memory, TOPICS, group))
    else:
        url = f"sqlite:///{tmp_path}/events.db"
        if request.param != "sqlite":
            url = request.getfixturevalue("kafka_url").replace("kafka:", f"{request.param}:")
        opened = Log(open_event_sink(url), lambda group: open_event_source(url, TOPICS, group))
    yield opened
    opened.close()


def numbered(n: int, start: int = 0, key: str | None = None) -> list[Message]:
    return [Message(key or f"u{i}", str(i).encode()) for i in range(start, start + n)]


def read(source: EventSource, n: int, at_once: int = 100) -> list[Record]:
    """Read `n` records, in as many polls as it takes."""
    records: list[Record] = []
    while len(records) < n:
        found = source.poll(min(at_once, n - len(records)), PATIENCE_S)
        assert found, f"{len(records)} records of {n}"
        records += found
    return records


def lag(source: EventSource, topic: str) -> int:
    return total(source.end_offsets(), topic) - total(source.next_offsets(), topic)


def total(offsets: Offsets, topic: str) -> int:
    return sum(offsets[topic].values())


def last_values(records: Sequence[Record]) -> dict[str, bytes | None]:
    return {record.key: record.value for record in records}


def test_reads_what_was_appended_in_order(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(5, key="u"))
    source = log.open_source()
    records = read(source, 3) + read(source, 2)
    assert [record.value for record in records] == [b"0", b"1", b"2", b"3", b"4"]
    assert [record.offset for record in records] == [0, 1, 2, 3, 4]
    assert {record.topic for record in records} == {INTERACTIONS}
    assert source.poll(100, 0.01) == []


def test_a_poll_gives_no_more_than_was_asked_for(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(50))
    source = log.open_source()
    assert 0 < len(source.poll(7, PATIENCE_S)) <= 7


def test_a_key_has_one_partition_and_one_order(log: Log) -> None:
    keys = [f"user-{number}" for number in range(20)]
    for round_number in range(5):
        log.sink.append(INTERACTIONS, [Message(key, str(round_number).encode()) for key in keys])
    values, partitions = defaultdict(list), defaultdict(set)
    for record in read(log.open_source(), 100):
        values[record.key].append(record.value)
        partitions[record.key].add(record.partition)
    assert set(map(tuple, values.values())) == {(b"0", b"1", b"2", b"3", b"4")}
    assert {len(places) for places in partitions.values()} == {1}


def test_offsets_grow_within_a_partition(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(60))
    offsets = defaultdict(list)
    for record in read(log.open_source(), 60, at_once=7):
        offsets[record.partition].append(record.offset)
    assert all(found == list(range(len(found))) for found in offsets.values())


def test_commands_have_one_order_whatever_their_keys(log: Log) -> None:
    log.sink.append(COMMANDS, numbered(30))
    records = read(log.open_source(), 30)
    assert [record.value for record in records] == [str(number).encode() for number in range(30)]


def test_next_offsets_say_where_another_reader_goes_on(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(40))
    first = log.open_source()
    before = read(first, 13)
    second = log.open_source()
    second.seek(first.next_offsets())
    after = read(second, 27)
    assert {record.value for record in before + after} == {str(number).encode() for number in range(40)}
    assert second.poll(100, 0.01) == []


def test_seeking_goes_back_too(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(10))
    source = log.open_source()
    first = read(source, 10)
    source.seek({})
    assert sorted(read(source, 10)) == sorted(first)


def test_two_readers_do_not_disturb_each_other(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(10))
    first, second = log.open_source(), log.open_source("index")
    assert sorted(read(first, 10)) == sorted(read(second, 10))


def test_a_waiting_reader_sees_what_comes(log: Log) -> None:
    source = log.open_source()
    assert source.poll(10, 0.01) == []
    log.sink.append(INTERACTIONS, numbered(1))
    (record,) = read(source, 1)
    log.sink.append(COMMANDS, numbered(1))
    (command,) = read(source, 1)
    assert (record.topic, command.topic) == (INTERACTIONS, COMMANDS)


def test_lag_is_end_less_next(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(7))
    source = log.open_source()
    read(source, 3)
    assert lag(source, INTERACTIONS) == 4


def test_the_end_is_known_without_having_read(log: Log) -> None:
    source = log.open_source()
    for n in (7, 1, 12):
        log.sink.append(INTERACTIONS, numbered(n, key="u"))
        end = total(source.end_offsets(), INTERACTIONS)
    assert end == 20


def test_the_end_is_known_to_who_has_read_all(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(7))
    source = log.open_source()
    read(source, 7)
    log.sink.append(INTERACTIONS, numbered(9))
    assert lag(source, INTERACTIONS) == 9


def test_going_on_at_the_end_leaves_out_what_was_there(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(9))
    source = log.open_source()
    source.seek(source.end_offsets())
    log.sink.append(INTERACTIONS, numbered(1, start=9))
    assert [record.value for record in read(source, 1)] == [b"9"]


def test_seeking_past_the_end_is_refused(log: Log) -> None:
    log.sink.append(COMMANDS, numbered(2))
    with pytest.raises(LogTruncated, match="ends at offset 2"):
        log.open_source().seek({COMMANDS: {0: 3}})


def test_seeking_to_the_end_is_not_past_it(log: Log) -> None:
    log.sink.append(COMMANDS, numbered(20))
    source = log.open_source()
    source.seek({COMMANDS: {0: 20}})
    assert source.next_offsets()[COMMANDS] == {0: 20}


def test_commits_are_kept_for_the_group(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(2, key="u"))
    source = log.open_source()
    assert source.committed() == {}
    partition = read(source, 1)[0].partition
    source.commit({INTERACTIONS: {partition: 1}})
    source.commit({INTERACTIONS: {partition: 2}})
    assert log.open_source().committed() == {INTERACTIONS: {partition: 2}}
    assert log.open_source("index").committed() == {}


def test_a_commit_does_not_move_a_new_reader(log: Log) -> None:
    log.sink.append(COMMANDS, numbered(2))
    log.open_source().commit({COMMANDS: {0: 2}})
    assert len(read(log.open_source(), 2)) == 2


def test_the_last_value_of_a_key_is_always_read(log: Log) -> None:
    for value in (b"old", b"new"):
        log.sink.append(ITEM_VECTORS, [Message("a", value), Message("b", value)])
    log.sink.append(ITEM_VECTORS, [Message("b", None)])
    assert last_values(all_of(log.open_source())) == {"a": b"new", "b": None}


def test_a_reader_behind_compaction_misses_no_key(log: Log) -> None:
    source = log.open_source()
    log.sink.append(ITEM_VECTORS, [Message("a", b"1"), Message("b", b"1")])
    assert len(read(source, 1)) == 1
    log.sink.append(ITEM_VECTORS, [Message("b", b"2"), Message("a", b"2")])
    # Old values may be there or not: a log compacts when it likes.
    assert last_values(all_of(source)) == {"a": b"2", "b": b"2"}


def test_who_lost_its_turn_appends_nothing(log: Log, request: pytest.FixtureRequest) -> None:
    log.sink.append(ITEM_VECTORS, [Message("a", b"6")], Fence("slot 0", 6))
    log.sink.append(ITEM_VECTORS, [Message("a", b"7")], Fence("slot 0", 7))
    log.sink.append(ITEM_VECTORS, [Message("b", b"1")], Fence("slot 1", 1))  # each name has its own
    if "kafka" in request.node.callspec.params["log"]:
        log.sink.append(ITEM_VECTORS, [], Fence("slot 0", 6))
        return  # a broker compares nothing: readers do
    for topic in (ITEM_VECTORS, USER_VECTORS):
        with pytest.raises(LeaseLost, match="token 7 > 6"):
            log.sink.append(topic, [Message("a", b"old"), Message("c", b"old")], Fence("slot 0", 6))
    assert last_values(all_of(log.open_source())) == {"a": b"7", "b": b"1"}


def test_a_turn_is_taken_without_a_message(log: Log, request: pytest.FixtureRequest) -> None:
    if "kafka" in request.node.callspec.params["log"]:
        pytest.skip("a broker compares no tokens")
    log.sink.append(ITEM_VECTORS, [], Fence("slot 0", 7))
    with pytest.raises(LeaseLost, match="token 7 > 6"):
        log.sink.append(ITEM_VECTORS, [Message("a", b"old")], Fence("slot 0", 6))
    log.sink.append(ITEM_VECTORS, [Message("a", b"7")], Fence("slot 0", 7))
    assert last_values(all_of(log.open_source())) == {"a": b"7"}


def all_of(source: EventSource) -> list[Record]:
    """Read up to the end as it is now."""
    records: list[Record] = []
    ends = source.end_offsets()
    while source.next_offsets()[ITEM_VECTORS] != ends[ITEM_VECTORS]:
        found = source.poll(100, PATIENCE_S)
        assert found
        records += found
    return records


def test_keys_and_values_are_any_text_and_bytes(log: Log) -> None:
    log.sink.append(INTERACTIONS, [Message("a/🎬'\"", b"\x00\xff"), Message("", b"")])
    records = {record.key: record.value for record in read(log.open_source(), 2)}
    assert records == {"a/🎬'\"": b"\x00\xff", "": b""}


def test_a_record_is_stamped_when_it_is_appended(log: Log) -> None:
    log.sink.append(COMMANDS, numbered(2))
    first, second = read(log.open_source(), 2)
    # Between the years 2020 and 2100: seconds, and not another unit.
    assert 1_577_836_800 < first.timestamp <= second.timestamp < 4_102_444_800


def test_appending_nothing_is_nothing(log: Log) -> None:
    log.sink.append(INTERACTIONS, [])
    assert set(log.open_source().end_offsets()[INTERACTIONS].values()) == {0}


def test_a_large_record_gets_through(log: Log) -> None:
    log.sink.append(COMMANDS, [Message("small", b"1"), Message("large", b"x" * 1_000_000)])
    assert [len(record.value or b"") for record in read(log.open_source(), 2)] == [1, 1_000_000]


def test_twenty_thousand_at_once(log: Log) -> None:
    log.sink.append(INTERACTIONS, [Message(f"u{i % 997}", b"%d" % i) for i in range(20_000)])
    source = log.open_source()
    values = {record.value for record in read(source, 20_000, at_once=1024)}
    assert values == {b"%d" % i for i in range(20_000)}
    assert lag(source, INTERACTIONS) == 0


def test_several_threads_append(log: Log) -> None:
    def append(thread: int) -> None:
        for start in range(0, 50, 10):
            log.sink.append(INTERACTIONS, numbered(10, start, key=f"thread-{thread}"))

    threads = [threading.Thread(target=append, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = defaultdict(list)
    for record in read(log.open_source(), 400):
        values[record.key].append(record.value)
    assert all(found == [str(i).encode() for i in range(50)] for found in values.values())
    assert len(values) == 8


def test_a_log_that_is_there_answers(log: Log) -> None:
    log.sink.check()
    log.sink.append(COMMANDS, numbered(1))
    log.sink.check()
    assert total(log.open_source().end_offsets(), COMMANDS) == 1


def test_a_record_beyond_all_bounds_is_refused_or_kept_whole(log: Log) -> None:
    size = 3_000_000
    try:
        log.sink.append(COMMANDS, [Message("small", b"1"), Message("huge", b"x" * size)])
    except InvalidInput:
        assert total(log.open_source().end_offsets(), COMMANDS) == 0
    else:
        assert len(read(log.open_source(), 2)[1].value or b"") == size


def test_a_mark_stands_behind_all_that_was_acknowledged_in_every_partition(log: Log) -> None:
    log.sink.append(INTERACTIONS, numbered(40))
    mark = log.sink.mark(INTERACTIONS, Message("u1", b"mark"))
    log.sink.append(INTERACTIONS, numbered(40))
    source = log.open_source()
    records = read(source, 80 + len(mark.offsets))
    marks = {record.partition: record for record in records if record.value == b"mark"}
    assert mark.offsets == {partition: record.offset for partition, record in marks.items()}
    assert mark.offsets.keys() == source.end_offsets()[INTERACTIONS].keys()
    assert {record.key for record in marks.values()} == {"u1"}
    before = [record for record in records if record.offset < mark.offsets[record.partition]]
    assert sorted(record.value or b"" for record in before) == sorted(str(n).encode() for n in range(40))


def test_a_log_has_the_identity_that_its_marks_name(log: Log) -> None:
    first = log.sink.mark(INTERACTIONS, Message("u", b"1"))
    second = log.sink.mark(INTERACTIONS, Message("v", b"2"))
    assert first.log == second.log == log.open_source().identity_of(INTERACTIONS)
    assert all(second.offsets[partition] > offset for partition, offset in first.offsets.items())


def test_a_key_that_is_gone_ends_with_a_tombstone_where_the_broker_compacts(log: Log) -> None:
    last = Message("a", b"gone", is_last=True)
    log.sink.append(ITEM_VECTORS, [Message("a", b"1"), Message("b", b"2"), last, Message("b", b"3")])
    log.sink.append(INTERACTIONS, [last])
    source = log.open_source()
    records = [record for record in read_all(source) if record.topic == ITEM_VECTORS]
    of_a = [record.value for record in records if record.key == "a"]
    assert of_a[-2:] == [b"gone", None] or of_a == [
        b"gone"
    ]  # the latter where a retention of ours removes it
    assert last_values(records)["b"] == b"3"
    assert total(source.end_offsets(), INTERACTIONS) == 1


def read_all(source: EventSource) -> list[Record]:
    records: list[Record] = []
    while n_between(source.next_offsets(), source.end_offsets()):
        records += source.poll(100, PATIENCE_S)
    return records
