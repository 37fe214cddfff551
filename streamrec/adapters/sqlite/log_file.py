"""A SQLite file of logs: its tables, and where each log begins and ends."""

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from streamrec.adapters.sqlite.connection import connect, create_tables
from streamrec.adapters.sqlite.fence import CREATE_FENCES
from streamrec.domain.events.times import MAX_TIMESTAMP_S
from streamrec.ports import COMPACTED_TOPICS

PARTITION = 0

_SCHEMA_VERSION = 1

_TABLES = (
    "CREATE TABLE IF NOT EXISTS committed (consumer TEXT, topic TEXT, partition INTEGER,"
    " next_offset INTEGER NOT NULL, PRIMARY KEY (consumer, topic, partition)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT)",
    "INSERT OR IGNORE INTO about VALUES ('identity', hex(randomblob(8)))",
    CREATE_FENCES,
)


class LogFile:
    """The file behind a source or a sink: its tables, and where each log ends."""

    def __init__(self, path: Path, *, topics: Sequence[str] = ()) -> None:
        self.path = path
        # FULL: what was acknowledged survives a power cut. Appends come in batches, so it is one fsync each.
        self.connection = connect(path, synchronous="FULL", gives_space_back=True)
        tables = [*_TABLES, *map(_create_topic, topics)]
        create_tables(self.connection, path, tables, _SCHEMA_VERSION)

    def create(self, topic: str) -> None:
        """Create a topic's table if it is missing; within the caller's transaction."""
        # Each time: what a transaction created that was rolled back is gone.
        self.connection.execute(_create_topic(topic))

    def rows_of(self, topic: str, next_offset: int, limit: int) -> list[tuple[int, str, bytes | None, float]]:
        """Return offsets, keys, values and times of append, whatever somebody wrote into the columns."""
        statement = (
            "SELECT position - 1, CAST(key AS TEXT), CAST(value AS BLOB),"
            f" min(CAST(appended_at AS REAL), {MAX_TIMESTAMP_S}) FROM {table_of(topic)}"
            " WHERE position > ? ORDER BY position LIMIT ?"
        )
        try:
            return self.connection.execute(statement, (next_offset, limit)).fetchall()
        except sqlite3.OperationalError as error:
            if "decode to UTF-8" not in str(error):
                raise
        # A key that is no text must not stop its neighbours. All others are read without a call of ours.
        self.connection.text_factory = _text_of
        try:
            return self.connection.execute(statement, (next_offset, limit)).fetchall()
        finally:
            self.connection.text_factory = str

    def identity(self) -> str:
        """Return what tells this file from one that replaces it later."""
        found: str = self.connection.execute("SELECT value FROM about WHERE name = 'identity'").fetchone()[0]
        return found

    def start_offset(self, topic: str) -> int:
        """Return the offset of the oldest record; the end of a log that holds none."""
        oldest = self.connection.execute(f"SELECT min(position) - 1 FROM {table_of(topic)}").fetchone()[0]
        return self.end_offset(topic) if oldest is None else int(oldest)

    def end_offset(self, topic: str) -> int:
        """Return the next offset that the log will give out."""
        row = self.connection.execute(
            "SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = ?", (f"log_{topic}",)
        ).fetchone()
        return row[0] if row else 0


def _create_topic(topic: str) -> str:
    unique = "UNIQUE" if topic in COMPACTED_TOPICS else ""
    # AUTOINCREMENT: an offset is never given out twice, also after compaction removed the last row.
    return (
        f"CREATE TABLE IF NOT EXISTS {table_of(topic)} (position INTEGER PRIMARY KEY AUTOINCREMENT,"
        f" key TEXT NOT NULL {unique}, value BLOB, appended_at REAL NOT NULL)"
    )


def _text_of(written: bytes) -> str:
    return written.decode(errors="replace")


def table_of(topic: str) -> str:
    """Return a topic's table as an SQL identifier.

    >>> table_of("item-vectors")
    '"log_item-vectors"'

    Raises
    ------
    ValueError
        When the topic's name has characters that Kafka would refuse too.
    """
    if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", topic):
        raise ValueError(f"{topic!r} is not a topic's name")
    return f'"log_{topic}"'
