"""Retention of a SQLite changelog: of ids that are gone, and of vectors of generations that nobody serves.

A tombstone has to outlive every snapshot that still holds the id: an index server that starts from the
snapshot would bring the id back. All others are only there for readers that were away for a while.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamrec.adapters.sqlite.connection import connect, transaction, translated_errors
from streamrec.adapters.sqlite.log_file import table_of
from streamrec.adapters.sqlite.retention.write_ahead_log import copy_back
from streamrec.ports import ITEM_VECTORS, USER_VECTORS

_ROWS_AT_ONCE = 1000

_ROWS_OF_CALL = 20_000
"""Looked at in one call: a tenth of a second. The next call goes on behind them."""


class Keys:
    """Set of many keys, which are kept as 8 bytes each.

    A key may be taken for one of the others by mistake: once in some billions.

    >>> Keys(["a", "b"]).hold(["b", "c"]).tolist()
    [True, False]
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._hashes: NDArray[np.int64] = np.unique(np.fromiter(map(hash, keys), np.int64))

    def hold(self, keys: Sequence[str]) -> NDArray[np.bool_]:
        """Return (K,) whether each key is among them."""
        return np.isin(np.fromiter(map(hash, keys), np.int64, len(keys)), self._hashes)


class SqliteChangelogRetention:
    """Removes old tombstones and orphans, some rows a call, one part of the changelog after the other.

    Parameters
    ----------
    generation_of
        Returns the generation of a record's value, None for a tombstone. Raises `ValueError` for neither.
    age_s
        Nothing younger goes: a reader that was away for so long still learns what is gone.
    """

    def __init__(
        self,
        path: Path,
        generation_of: Callable[[bytes | None], str | None],
        age_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._generation_of = generation_of
        self._age_s = age_s
        self._clock = clock
        self._connection = connect(path)
        self._last = dict.fromkeys((ITEM_VECTORS, USER_VECTORS), 0)

    def prune(self, generations: frozenset[str], in_snapshots: dict[str, Keys]) -> int:
        """Remove what is gone for long; return the number of records.

        Parameters
        ----------
        generations
            Those that may be served.
        in_snapshots
            By topic, the keys of all ids that their snapshots hold.

        Raises
        ------
        Unavailable
            When the file can't be written.
        """
        n_removed = 0
        with translated_errors(self._path):
            for topic, keys in in_snapshots.items():
                if self._has(topic):
                    n_removed += self._prune_topic(topic, generations, keys)
            copy_back(self._connection)
        return n_removed

    def _has(self, topic: str) -> bool:
        name = table_of(topic).strip('"')
        found = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,))
        return found.fetchone() is not None

    def _prune_topic(self, topic: str, generations: frozenset[str], keys: Keys) -> int:
        oldest_kept_at = self._clock() - self._age_s
        n_removed = n_seen = 0
        while n_seen < _ROWS_OF_CALL:
            rows = self._connection.execute(
                f"SELECT position, CAST(key AS TEXT), CAST(value AS BLOB) FROM {table_of(topic)}"
                f" WHERE position > ? AND appended_at < ? ORDER BY position LIMIT {_ROWS_AT_ONCE}",
                (self._last[topic], oldest_kept_at),
            ).fetchall()
            n_seen += len(rows)
            n_removed += self._remove(topic, self._removable(rows, generations, keys))
            self._last[topic] = rows[-1][0] if rows else 0
            if len(rows) < _ROWS_AT_ONCE:
                self._last[topic] = 0
                break
        return n_removed

    def _removable(
        self, rows: Sequence[tuple[int, str, bytes | None]], generations: frozenset[str], keys: Keys
    ) -> list[int]:
        tombstones: list[tuple[int, str]] = []
        positions: list[int] = []
        for position, key, value in rows:
            try:
                generation = self._generation_of(value)
            except ValueError:
                continue  # readers count it as damaged: it is not ours to remove
            if generation is None:
                tombstones.append((position, key))
            elif generation not in generations:
                positions.append(position)
        is_needed = keys.hold([key for _, key in tombstones])
        return positions + [
            position for (position, _), needed in zip(tombstones, is_needed, strict=True) if not needed
        ]

    def _remove(self, topic: str, positions: Sequence[int]) -> int:
        if not positions:
            return 0
        with transaction(self._connection, self._path) as connection:
            # A record that was replaced meanwhile has another position.
            connection.executemany(
                f"DELETE FROM {table_of(topic)} WHERE position = ?", [(position,) for position in positions]
            )
        return len(positions)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
