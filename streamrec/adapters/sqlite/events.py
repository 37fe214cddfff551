"""Logs in a SQLite file: one table a topic, one partition, offsets from 0."""

import math
import time
from collections.abc import Sequence
from pathlib import Path

from streamrec.adapters.attempts import Attempts
from streamrec.adapters.sqlite.connection import impatient, transaction, translated_errors
from streamrec.adapters.sqlite.fence import hold_fence
from streamrec.adapters.sqlite.log_file import PARTITION, LogFile, table_of
from streamrec.errors import LogTruncated
from streamrec.ports import COMPACTED_TOPICS, Fence, Mark, Message, Offsets, Record

_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.0005, 0.01
"""SQLite wakes nobody: a reader looks again after a pause. A look costs some 20 us, so the shortest pause is
a few percent of a core, for a log that is busy; a log that is not is looked at a hundred times a second."""

_PAUSE_PER_SILENCE = 0.05
"""Pause by how long nothing came: an event is found within a twentieth of the silence before it."""

_COMMIT_PATIENCE_S = 2.0
"""The loops that commit hold a lease of some seconds, and can't renew it here."""


class SqliteEventSink:
    """Appends to the logs of one file. Safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = LogFile(path)
        self._attempts = Attempts()

    def append(self, topic: str, messages: Sequence[Message], fence: Fence | None = None) -> None:
        """Append in one transaction; in a compacted topic each message replaces its predecessor.

        Raises
        ------
        LeaseLost
            When one with a larger token than the fence's has been here; nothing is written then.
        """
        if not messages and fence is None:
            return
        now = time.time()
        with self._attempts.one(), transaction(self._file.connection, self._file.path) as connection:
            if fence is not None:
                hold_fence(connection, self._file.path, fence)
            self._file.create(topic)
            connection.executemany(
                f"INSERT OR REPLACE INTO {table_of(topic)} (key, value, appended_at) VALUES (?, ?, ?)",
                [(message.key, message.value, now) for message in messages],
            )

    def mark(self, topic: str, message: Message) -> Mark:
        """Append a record and return where it stands."""
        with self._attempts.one(), transaction(self._file.connection, self._file.path) as connection:
            self._file.create(topic)
            position = connection.execute(
                f"INSERT OR REPLACE INTO {table_of(topic)} (key, value, appended_at) VALUES (?, ?, ?)",
                (message.key, message.value, time.time()),
            ).lastrowid
            assert position is not None
            return Mark(self._file.identity(), {PARTITION: position - 1})

    def check(self) -> None:
        """Look whether the file can be read."""
        with translated_errors(self._file.path):
            self._file.connection.execute("SELECT count(*) FROM committed").fetchone()

    def close(self) -> None:
        """Close the file."""
        self._file.connection.close()


class SqliteEventSource:
    """Reads the logs of one file."""

    def __init__(self, path: Path, topics: Sequence[str], group: str) -> None:
        self._file = LogFile(path, topics=topics)
        self._topics = tuple(topics)
        self._group = group
        self._next = dict.fromkeys(self._topics, 0)
        self._last_found = -math.inf

    def seek(self, next_offsets: Offsets) -> None:
        """Go on from these offsets; topics not named, or named with 0, start at their beginning.

        Raises
        ------
        LogTruncated
            When a log ends before the offset asked for, or its retention removed unread records.
        """
        for topic in self._topics:
            wanted = next_offsets.get(topic, {}).get(PARTITION, 0)
            with translated_errors(self._file.path):
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
            with translated_errors(self._file.path):
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
            with translated_errors(self._file.path):
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
        with translated_errors(self._file.path):
            return {topic: {PARTITION: self._file.end_offset(topic)} for topic in self._topics}

    def identity_of(self, _topic: str) -> str:
        """Return what tells this file from one that replaces it later."""
        with translated_errors(self._file.path):
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
        with translated_errors(self._file.path):
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
