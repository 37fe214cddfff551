"""Logs in a SQLite file: one table a topic, one partition, offsets from 0."""

import math
import re
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from streamrec.adapters.sqlite_connection import connect, impatient, saying_unavailable, transaction
from streamrec.domain.event_times import MAX_TIMESTAMP_S
from streamrec.errors import LogTruncated
from streamrec.ports import COMPACTED_TOPICS, Mark, Message, Offsets, Record

PARTITION = 0

_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.0005, 0.01
"""SQLite wakes nobody: a reader looks again after a pause. A look costs some 20 us, so the shortest pause is
a few percent of a core, for a log that is busy; a log that is not is looked at a hundred times a second."""

_PAUSE_PER_SILENCE = 0.05
"""Pause by how long nothing came: an event is found within a twentieth of the silence before it."""

_COMMIT_PATIENCE_S = 2.0
"""The loops that commit hold a lease of some seconds, and can't renew it here."""

_SCHEMA_VERSION = 1


class _LogFile:
    """The file behind a source or a sink: its tables, and where each log ends."""

    def __init__(self, path: Path, *, topics: Sequence[str] = ()) -> None:
        self.path = path
        # FULL: what was acknowledged survives a power cut. Appends come in batches, so it is one fsync each.
        self.connection = connect(path, synchronous="FULL", gives_space_back=True)
        self._ready: set[str] = set()
        with transaction(self.connection, path):
            self.connection.execute(
                "CREATE TABLE IF NOT EXISTS committed (consumer TEXT, topic TEXT, partition INTEGER,"
                " next_offset INTEGER NOT NULL, PRIMARY KEY (consumer, topic, partition)) WITHOUT ROWID"
            )
            self.connection.execute("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT)")
            self.connection.execute("INSERT OR IGNORE INTO about VALUES ('identity', hex(randomblob(8)))")
            self.connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            for topic in topics:
                self.create(topic)

    def create(self, topic: str) -> None:
        """Create a topic's table if it is missing; within the caller's transaction."""
        if topic in self._ready:
            return
        unique = "UNIQUE" if topic in COMPACTED_TOPICS else ""
        self.connection.execute(
            # AUTOINCREMENT: an offset is never given out twice, also after compaction removed the last row.
            f"CREATE TABLE IF NOT EXISTS {table_of(topic)} (position INTEGER PRIMARY KEY AUTOINCREMENT,"
            f" key TEXT NOT NULL {unique}, value BLOB, appended_at REAL NOT NULL)"
        )
        self._ready.add(topic)

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
        """Return what tells this file from one that takes its place later."""
        found: str = self.connection.execute("SELECT value FROM about WHERE name = 'identity'").fetchone()[0]
        return found

    def start_offset(self, topic: str) -> int:
        """Return the offset of the oldest record; the end of a log that holds none."""
        oldest = self.connection.execute(f"SELECT min(position) - 1 FROM {table_of(topic)}").fetchone()[0]
        return self.end_offset(topic) if oldest is None else int(oldest)

    def end_offset(self, topic: str) -> int:
        row = self.connection.execute(
            "SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = ?", (f"log_{topic}",)
        ).fetchone()
        return row[0] if row else 0


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


class SqliteEventSink:
    """Appends to the logs of one file. Safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = _LogFile(path)
        self._lock = threading.Lock()

    def append(self, topic: str, messages: Sequence[Message]) -> None:
        """Append in one transaction; in a compacted topic each message takes its predecessor's place."""
        if not messages:
            return
        now = time.time()
        with self._lock, transaction(self._file.connection, self._file.path) as connection:
            self._file.create(topic)
            connection.executemany(
                f"INSERT OR REPLACE INTO {table_of(topic)} (key, value, appended_at) VALUES (?, ?, ?)",
                [(message.key, message.value, now) for message in messages],
            )

    def mark(self, topic: str, message: Message) -> Mark:
        """Append a record and return where it stands."""
        with self._lock, transaction(self._file.connection, self._file.path) as connection:
            self._file.create(topic)
            position = connection.execute(
                f"INSERT OR REPLACE INTO {table_of(topic)} (key, value, appended_at) VALUES (?, ?, ?)",
                (message.key, message.value, time.time()),
            ).lastrowid
            assert position is not None
            return Mark(self._file.identity(), {PARTITION: position - 1})

    def check(self) -> None:
        """Look whether the file can be read."""
        with saying_unavailable(self._file.path):
            self._file.connection.execute("SELECT count(*) FROM committed").fetchone()

    def close(self) -> None:
        """Close the file."""
        self._file.connection.close()


class SqliteEventSource:
    """Reads the logs of one file."""

    def __init__(self, path: Path, topics: Sequence[str], group: str) -> None:
        self._file = _LogFile(path, topics=topics)
        self._topics = tuple(topics)
        self._group = group
        self._next = dict.fromkeys(self._topics, 0)
        self._last_found = -math.inf

    def seek(self, next_offsets: Offsets) -> None:
        """Go on from these places; topics not named, or named with 0, start at their beginning.

        Raises
        ------
        LogTruncated
            When a log ends before the offset asked for, or its retention removed unread records.
        """
        for topic in self._topics:
            wanted = next_offsets.get(topic, {}).get(PARTITION, 0)
            with saying_unavailable(self._file.path):
                start, end = self._file.start_offset(topic), self._file.end_offset(topic)
            if wanted:
                self._check_for_gap(topic, wanted, start)
            if wanted > end:
                raise LogTruncated(
                    f"{self._file.path}: the log of {topic!r} ends at offset {end}, but reading should go on"
                    f" at {wanted}: the log was replaced or lost its tail"
                )
            self._next[topic] = wanted or min(start, end)

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return up to `max_records` of all topics together, earlier named topics first."""
        deadline = time.monotonic() + timeout_s
        while True:
            records = self._read(max_records)
            now = time.monotonic()
            if records:
                self._last_found = now
            if records:
                return records
            if now >= deadline:
                self._look_for_gaps()
                return []
            pause_s = (now - self._last_found) * _PAUSE_PER_SILENCE
            pause_s = min(max(pause_s, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)
            time.sleep(min(pause_s, deadline - now))

    def _read(self, max_records: int) -> list[Record]:
        records: list[Record] = []
        goes_on_at = dict(self._next)
        for topic in self._topics:
            with saying_unavailable(self._file.path):
                rows = self._file.rows_of(topic, self._next[topic], max_records - len(records))
            if rows:
                self._check_for_gap(topic, self._next[topic], rows[0][0])
                records += [Record(topic, PARTITION, *row) for row in rows]
                goes_on_at[topic] = rows[-1][0] + 1
        self._next = goes_on_at  # only now: a later topic that can't be read must not cost an earlier one
        return records

    def _look_for_gaps(self) -> None:
        """See that nothing is found because nothing is there, and not because all of it was removed."""
        for topic in self._topics:
            with saying_unavailable(self._file.path):
                start = self._file.start_offset(topic)
            self._check_for_gap(topic, self._next[topic], start)

    def _check_for_gap(self, topic: str, wanted: int, found: int) -> None:
        if found > wanted and topic not in COMPACTED_TOPICS:
            raise LogTruncated(
                f"{self._file.path}: the log of {topic!r} begins at offset {found}, for its retention removed"
                f" {found - wanted} unread records, but reading should go on at {wanted}"
            )

    def next_offsets(self) -> Offsets:
        """Return where the next poll goes on from."""
        return {topic: {PARTITION: offset} for topic, offset in self._next.items()}

    def end_offsets(self) -> Offsets:
        """Return the next offset that each log will give out."""
        with saying_unavailable(self._file.path):
            return {topic: {PARTITION: self._file.end_offset(topic)} for topic in self._topics}

    def identity_of(self, _topic: str) -> str:
        """Return what tells this file from one that takes its place later."""
        with saying_unavailable(self._file.path):
            return self._file.identity()

    def commit(self, next_offsets: Offsets) -> None:
        """Store the group's progress; another writer is waited for a short time only."""
        with (
            impatient(self._file.connection, _COMMIT_PATIENCE_S),
            transaction(self._file.connection, self._file.path) as connection,
        ):
            connection.executemany(
                "INSERT OR REPLACE INTO committed VALUES (?, ?, ?, ?)",
                [
                    (self._group, topic, partition, offset)
                    for topic, partitions in next_offsets.items()
                    for partition, offset in partitions.items()
                ],
            )

    def committed(self) -> Offsets:
        """Return what was last committed for the group."""
        with saying_unavailable(self._file.path):
            rows = self._file.connection.execute(
                "SELECT topic, CAST(partition AS INTEGER), CAST(next_offset AS INTEGER) FROM committed"
                " WHERE consumer = ?",
                (self._group,),
            ).fetchall()
        offsets: Offsets = {}
        for topic, partition, offset in rows:
            offsets.setdefault(topic, {})[partition] = offset
        return offsets

    def close(self) -> None:
        """Close the file."""
        self._file.connection.close()
