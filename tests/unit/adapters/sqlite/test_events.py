"""Logs in a SQLite file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

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
