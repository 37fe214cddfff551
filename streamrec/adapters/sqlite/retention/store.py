"""Retention in a SQLite store and cache: seen items, deleted items, cached metadata that ran out."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from streamrec.adapters.sqlite.connection import connect, transaction, translated_errors
from streamrec.adapters.sqlite.retention.write_ahead_log import copy_back
from streamrec.adapters.sqlite.store_schema import open_store_file

_USERS_AT_ONCE = 500
"""Looked at in one call: each costs a walk over the seen items that are kept, a tenth of a millisecond."""

_ROWS_AT_ONCE = 2000
"""Deleted in one transaction: some 10 ms, for which the trainer's own writing waits."""

_DELETE_OLDEST = (
    "DELETE FROM seen WHERE (user_id, seen_at, item_id) IN (SELECT user_id, seen_at, item_id FROM seen"
    " WHERE user_id = ? AND (seen_at, item_id) < (?, ?) ORDER BY seen_at, item_id LIMIT ?)"
)


class SqliteSeenRetention:
    """Removes the oldest seen items of users who saw very many, some users a call, one after the other.

    Parameters
    ----------
    n_kept
        Rows kept of a user; an item that was seen again has one for each time.
    """

    def __init__(self, path: Path, n_kept: int) -> None:
        self._path = path
        self._n_kept = n_kept
        self._connection = open_store_file(path)
        self._last = ""

    def prune(self) -> int:
        """Look at the next users; return the number of rows removed.

        Raises
        ------
        Unavailable
            When the file can't be written.
        """
        with translated_errors(self._path):
            users = self._connection.execute(
                "SELECT user_id FROM users WHERE user_id > ? AND n_events > ? ORDER BY user_id"
                f" LIMIT {_USERS_AT_ONCE}",
                (self._last, self._n_kept),
            ).fetchall()
            oldest_kept = [found for (user_id,) in users for found in self._oldest_kept(user_id)]
            n_removed = 0
            while oldest_kept:
                # Of many users at once: each transaction waits for the disk, and everybody for it.
                with transaction(self._connection, self._path):
                    n_removed += self._remove_before(oldest_kept)
            # What is copied back now need not make the write-ahead log longer.
            copy_back(self._connection)
        self._last = users[-1][0] if len(users) == _USERS_AT_ONCE else ""
        return n_removed

    def _oldest_kept(self, user_id: str) -> list[tuple[str, float, str]]:
        """Return the user, time and item of the oldest row that stays; nothing where all do."""
        return self._connection.execute(
            "SELECT user_id, seen_at, item_id FROM seen WHERE user_id = ? ORDER BY seen_at DESC, item_id DESC"
            " LIMIT 1 OFFSET ?",
            (user_id, self._n_kept - 1),
        ).fetchall()

    def _remove_before(self, oldest_kept: list[tuple[str, float, str]]) -> int:
        """Remove some rows, and from the list those before which none is left; return the number of rows."""
        n_removed = 0
        while oldest_kept and n_removed < _ROWS_AT_ONCE:
            n_wanted = _ROWS_AT_ONCE - n_removed
            n_deleted = self._connection.execute(_DELETE_OLDEST, (*oldest_kept[-1], n_wanted)).rowcount
            n_removed += n_deleted
            if n_deleted < n_wanted:
                oldest_kept.pop()
        return n_removed

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class SqliteDeletedItemsRetention:
    """Removes what a store keeps of deleted items: their versions, which copies elsewhere are compared with.

    Once it is gone, the clock alone makes the next version of an item larger.

    Parameters
    ----------
    age_s
        Nothing younger goes: a copy of a deleted item may live for some minutes.
    """

    def __init__(self, path: Path, age_s: float, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._age_s = age_s
        self._clock = clock
        self._connection = open_store_file(path)

    def prune(self) -> int:
        """Remove what is old enough; return the number of items.

        Raises
        ------
        Unavailable
            When the file can't be written.
        """
        return _delete_items(self._connection, self._path, "deleted_at < ?", self._clock() - self._age_s)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class SqliteCacheRetention:
    """Removes cached metadata that has run out: nobody reads it any more."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._connection = connect(path)

    def prune(self) -> int:
        """Remove what has run out; return the number of rows.

        Raises
        ------
        Unavailable
            When the file can't be written.
        """
        n_removed = _delete_items(self._connection, self._path, "expires_at <= ?", self._clock())
        with translated_errors(self._path):
            copy_back(self._connection)
        return n_removed

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _delete_items(connection: sqlite3.Connection, path: Path, condition: str, until: float) -> int:
    """Delete rows of items, some in a transaction; return how many."""
    some = f"SELECT item_id FROM items WHERE {condition} LIMIT {_ROWS_AT_ONCE}"
    n_removed, n_deleted = 0, _ROWS_AT_ONCE
    while n_deleted == _ROWS_AT_ONCE:
        with transaction(connection, path):
            n_deleted = connection.execute(f"DELETE FROM items WHERE item_id IN ({some})", (until,)).rowcount
        n_removed += n_deleted
    return n_removed
