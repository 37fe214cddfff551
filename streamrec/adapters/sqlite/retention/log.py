"""Retention of the records of logs in a SQLite file, and return of its space.

Whoever learns from a log says from where on it needs the log; what is before that goes by age and by the
size of the file. Records go in small transactions, oldest first, so that no writer waits for long, and never
out of the middle: a reader that finds the record it wanted gone knows that it came too late.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from streamrec.adapters.sqlite.connection import connect, transaction, translated_errors
from streamrec.adapters.sqlite.log_file import PARTITION, table_of
from streamrec.adapters.sqlite.retention.write_ahead_log import copy_back
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, REJECTED, Offsets

_ROWS_AT_ONCE = 2000
"""Deleted in one transaction: some 10 ms, for which an append waits."""

_PAGES_AT_ONCE = 2000
"""Given back to the disk by one statement: 8 MB."""

_FREE_SHARE = 0.25
"""Of a file's pages: fewer free ones are soon written again, and giving them back would cost more."""

_TOPICS = (IMPRESSIONS, REJECTED, INTERACTIONS, COMMANDS)
"""In the order in which they make room."""

_READ_BY_LEARNERS = frozenset({INTERACTIONS, COMMANDS})


class LogBounds(NamedTuple):
    """Bounds of the logs that a file keeps.

    Attributes
    ----------
    age_s
        Records older than this go; by the log's own times, so that a log that rests keeps what it has.
    n_bytes
        Of the file, without free pages: beyond it the oldest go, however young they are.
    """

    age_s: float
    n_bytes: int


class SqliteLogRetention:
    """Removes what a file's logs need not keep any longer. One thread at a time; several processes may."""

    def __init__(self, path: Path, bounds: LogBounds, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._bounds = bounds
        self._clock = clock
        self._connection = connect(path)

    def prune(self, needed: Offsets | None) -> int:
        """Remove records and give space back; return the number of records removed.

        Parameters
        ----------
        needed
            From where on somebody still has to read, by topic: interactions and commands that are not named
            are needed from their beginning. None: nobody has learned anything yet.

        Raises
        ------
        Unavailable
            When the file can't be written, the disk being full for example; what is gone by then is gone.
        """
        n_removed = 0
        with translated_errors(self._path):
            for topic in _TOPICS:
                if self._has(topic):
                    n_removed += self._prune_topic(topic, self._end_of_removable(topic, needed))
            self._give_back()
        return n_removed

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _has(self, topic: str) -> bool:
        name = table_of(topic).strip('"')
        return self._number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", name) > 0

    def _end_of_removable(self, topic: str, needed: Offsets | None) -> int:
        """Return the position of the last record that nobody needs."""
        last = int(self._number(f"SELECT max(position) FROM {table_of(topic)}"))
        if topic not in _READ_BY_LEARNERS:
            return min(last, (needed or {}).get(topic, {}).get(PARTITION, last))
        return 0 if needed is None else min(last, needed.get(topic, {}).get(PARTITION, 0))

    def _prune_topic(self, topic: str, end: int) -> int:
        # A log that rests keeps what it has, and a clock far ahead finds nothing old.
        newest_at = self._number(f"SELECT appended_at FROM {table_of(topic)} ORDER BY position DESC LIMIT 1")
        oldest_kept_at = min(self._clock(), newest_at) - self._bounds.age_s
        n_removed = 0
        while last := self._last_of_portion(topic, end, oldest_kept_at):
            with transaction(self._connection, self._path):
                n_removed += self._connection.execute(
                    f"DELETE FROM {table_of(topic)} WHERE position <= ?", (last,)
                ).rowcount
        return n_removed

    def _last_of_portion(self, topic: str, end: int, oldest_kept_at: float) -> int:
        """Return the position up to which the next records go; 0 when none does."""
        rows = self._connection.execute(
            f"SELECT position, appended_at FROM {table_of(topic)} WHERE position <= ?"
            f" ORDER BY position LIMIT {_ROWS_AT_ONCE}",
            (end,),
        ).fetchall()
        if rows and self._n_bytes() > self._bounds.n_bytes:
            return int(rows[-1][0])
        return _last_before(rows, oldest_kept_at)

    def _n_bytes(self) -> int:
        pages, free, size = (
            self._number(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _give_back(self) -> None:
        """Shorten a file of which much is free; one from before this was known reuses its pages only."""
        pages, free = self._number("PRAGMA page_count"), self._number("PRAGMA freelist_count")
        if free > pages * _FREE_SHARE and free > _PAGES_AT_ONCE:
            # A step a page, of which the driver's execute() takes one only.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
        copy_back(self._connection)

    def _number(self, statement: str, *parameters: object) -> float:
        row = self._connection.execute(statement, parameters).fetchone()
        return float(row[0] or 0) if row else 0.0


def _last_before(rows: Sequence[tuple[int, float]], oldest_kept_at: float) -> int:
    """Return the position of the last of the first rows that are all too old; 0 when there is none.

    >>> _last_before([(7, 1.0), (8, 2.0), (9, 9.0), (10, 1.0)], oldest_kept_at=5.0)
    8
    """
    last = 0
    for position, appended_at in rows:
        if not appended_at < oldest_kept_at:
            break
        last = position
    return last
