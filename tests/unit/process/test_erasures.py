"""Erased users: what is before an erasure in the log counts nowhere any more, what is behind it does."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.opening import open_store
from streamrec.markers import ErasureMarker, encode_marker
from streamrec.ports import INTERACTIONS, Mark, Message
from streamrec.wire import Command, encode_command
from tests.erasure_system import ErasureSystem

MARKER = encode_marker(ErasureMarker("user_erased", 0.0, "test"))


@pytest.fixture
def system(tmp_path: Path) -> Iterator[ErasureSystem]:
    system = ErasureSystem(tmp_path)
    yield system
    system.close()


def test_events_before_an_erasure_never_bring_the_user_back_and_those_behind_it_are_a_new_users(
    system: ErasureSystem,
) -> None:
    system.send(("u", "a"), ("v", "a"), ("u", "b"))
    system.erase("u")
    system.send(("u", "c"))
    system.start()  # it meets all at once: commands are read before events
    system.catch_up()
    assert system.learned() == system.published("u", "v") == {"u": 1, "v": 1}
    assert system.opened.context.state.counters.n_erased == 2
    assert system.opened.context.state.counters.n_rejected == 0


def test_a_crash_after_an_erasure_does_not_bring_the_user_back(system: ErasureSystem) -> None:
    system.send(("u", "a"), ("v", "a"))
    system.start()
    system.catch_up()
    system.erase("u")
    system.catch_up()
    assert system.learned() == system.published("u", "v") == {"v": 1}
    system.crash()
    system.start()
    system.step()
    assert system.published("u", "v") == {"v": 1}, "also not for a moment"
    system.catch_up()
    assert system.learned() == system.published("u", "v") == {"v": 1}


def test_a_user_of_a_checkpoint_who_was_erased_since_is_gone_from_the_start_on(system: ErasureSystem) -> None:
    system.start()
    system.send(("u", "a"), ("v", "a"))
    system.catch_up()
    system.stop()
    system.erase("u")
    system.send(("v", "b"), ("u", "b"))
    system.start()
    assert system.learned() == {"v": 1}
    system.catch_up()
    assert system.learned() == system.published("u", "v") == {"u": 1, "v": 2}


def test_a_replay_of_the_whole_log_ends_where_it_was(system: ErasureSystem) -> None:
    system.send(("u", "a"), ("w", "a"))
    system.erase("u", "w")
    system.send(("u", "b"), ("v", "a"))
    system.start()
    system.catch_up()
    system.stop()
    system.start("earliest")
    system.catch_up()
    assert system.learned() == system.published("u", "v", "w") == {"u": 1, "v": 1}


def test_a_user_is_erased_twice_and_comes_back_twice(system: ErasureSystem) -> None:
    system.start()
    for _ in range(2):
        system.send(("u", "a"), ("u", "b"))
        system.erase("u")
        system.send(("u", "c"))
    system.catch_up()
    assert system.learned() == system.published("u") == {"u": 1}
    system.erase("u")
    system.erase("u")
    system.catch_up()
    assert system.learned() == system.published("u") == {}


def test_erasing_somebody_unknown_changes_nothing_for_others(system: ErasureSystem) -> None:
    system.send(("v", "a"))
    system.erase("never seen")
    system.send(("v", "b"))
    system.start()
    system.catch_up()
    assert system.learned() == {"v": 2}


def test_a_marker_without_a_record_erases_what_its_reader_holds(system: ErasureSystem) -> None:
    """The recommender died between the two; whoever asked was not told that the user is erased."""
    system.start()
    system.send(("u", "a"))
    system.catch_up()
    system.sink.mark(INTERACTIONS, Message("u", MARKER))
    system.send(("u", "b"), ("u", "c"))
    system.catch_up()
    assert system.learned() == system.published("u") == {"u": 2}
    system.erase("u")  # the repeat
    system.send(("u", "d"))
    system.catch_up()
    assert system.learned() == system.published("u") == {"u": 1}


def test_a_record_that_comes_after_its_marker_was_read_counts(system: ErasureSystem) -> None:
    system.start()
    system.send(("u", "a"))
    system.catch_up()
    mark = system.sink.mark(INTERACTIONS, Message("u", MARKER))
    system.catch_up()
    note(system, "u", mark)
    system.send(("u", "b"))
    system.catch_up()
    assert system.learned() == {"u": 1}
    system.crash()
    system.start()
    system.catch_up()
    assert system.learned() == system.published("u") == {"u": 1}


def test_a_record_of_another_log_swallows_nothing(system: ErasureSystem) -> None:
    note(system, "u", Mark("another log", {0: 1000}))
    system.send(("u", "a"))
    system.start()
    system.catch_up()
    assert system.learned() == {"u": 1}


def test_a_log_that_was_cut_gives_offsets_again_and_loses_no_event_by_it(system: ErasureSystem) -> None:
    system.send(("u", "a"), ("u", "b"), ("u", "c"))
    system.start()
    system.catch_up()
    system.stop()
    system.erase("u")
    path = system.folder / "events.db"
    with closing(sqlite3.connect(path)) as events, events:
        events.execute(f'DELETE FROM "log_{INTERACTIONS}" WHERE position > 2')
        events.execute("UPDATE sqlite_sequence SET seq = 2 WHERE name = ?", (f"log_{INTERACTIONS}",))
    system.start("latest")
    assert system.learned() == {}
    system.send(("u", "d"), ("u", "e"), ("u", "f"))
    system.catch_up()
    assert system.learned() == {"u": 3}
    system.crash()
    system.start("earliest")
    system.catch_up()
    assert system.learned() == {"u": 3}


def test_a_command_of_a_version_before_erases_what_its_reader_holds(system: ErasureSystem) -> None:
    system.start()
    system.send(("u", "a"))
    system.catch_up()
    old = encode_command(Command("user_erased", 1.0, "recommender")).replace(b',"is_marked":false', b"")
    system.sink.append("commands", [Message("u", old)])
    system.catch_up()
    assert system.learned() == system.published("u") == {}
    system.send(("u", "b"))
    system.catch_up()
    assert system.learned() == system.published("u") == {"u": 1}


def test_a_reader_of_a_version_before_rejects_markers_without_their_users(system: ErasureSystem) -> None:
    from streamrec.errors import InvalidEvent
    from streamrec.wire import decode_event

    with pytest.raises(InvalidEvent, match="user_id"):
        decode_event(MARKER, 0.0)
    assert b"u1" not in MARKER


def test_ten_thousand_erasures_are_read_past(system: ErasureSystem) -> None:
    system.start()
    users = [f"u{n}" for n in range(300)]
    system.send(*((user, "a") for user in users))
    system.erase(*users[:250])
    system.send(*((user, "b") for user in users[:20]))
    system.catch_up()
    expected = {user: 1 for user in users[:20]} | {user: 1 for user in users[250:]}
    assert system.learned() == system.published(*users) == expected


def note(system: ErasureSystem, user_id: str, mark: Mark) -> None:
    """Write an erasure down as the recommender does."""

    async def write() -> None:
        store = open_store(system.store_url)
        await store.note_erasure(user_id, mark, 0.0)
        await store.aclose()

    asyncio.run(write())
