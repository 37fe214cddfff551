"""Logs in a SQLite file."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.sqlite.connection import BUSY_TIMEOUT_S
from streamrec.adapters.sqlite.events import SqliteEventSink, SqliteEventSource
from streamrec.errors import Unavailable
from streamrec.ports import COMMANDS, INTERACTIONS, Message


def test_a_topic_that_can_not_be_read_costs_no_record_of_another(tmp_path: Path) -> None:
    sink = SqliteEventSink(tmp_path / "events.db")
    source = SqliteEventSource(tmp_path / "events.db", [COMMANDS, INTERACTIONS], "trainer")
    sink.append(COMMANDS, [Message("i", b"a command")])
    sink.append(INTERACTIONS, [Message("u", b"an event")])
    with closing(sqlite3.connect(tmp_path / "events.db")) as file:
        file.execute("ALTER TABLE log_interactions RENAME TO away")
        with pytest.raises(Unavailable):
            source.poll(10, 0.0)
        file.execute("ALTER TABLE away RENAME TO log_interactions")
    assert [record.value for record in source.poll(10, 0.0)] == [b"a command", b"an event"]
    source.close()
    sink.close()


def test_a_new_topic_that_a_full_disk_did_not_take_is_taken_once_there_is_room(tmp_path: Path) -> None:
    sink = SqliteEventSink(tmp_path / "events.db")
    file = sink._file.connection
    (n_pages,) = file.execute("PRAGMA page_count").fetchone()
    file.execute(f"PRAGMA max_page_count = {n_pages + 3}")
    with pytest.raises(Unavailable, match="full"):
        sink.append(INTERACTIONS, [Message("u", bytes(100_000))])
    file.execute("PRAGMA max_page_count = 1000000")
    sink.append(INTERACTIONS, [Message("u", b"an event")])
    source = SqliteEventSource(tmp_path / "events.db", [INTERACTIONS], "trainer")
    assert [record.value for record in source.poll(10, 0.0)] == [b"an event"]
    source.close()
    sink.close()


def test_senders_do_not_queue_up_behind_a_file_that_another_holds(tmp_path: Path) -> None:
    sink = SqliteEventSink(tmp_path / "events.db")
    sink.append(INTERACTIONS, [Message("u", b"1")])
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with ThreadPoolExecutor(5) as pool:
            sent = [pool.submit(sink.append, INTERACTIONS, [Message("u", b"2")]) for _ in range(5)]
            failures = [one.exception() for one in sent]
    assert [type(failure) for failure in failures] == [Unavailable] * 5
    assert time.monotonic() - started < 3 * BUSY_TIMEOUT_S  # each in turn: five times
    sink.append(INTERACTIONS, [Message("u", b"3")])
    sink.close()
