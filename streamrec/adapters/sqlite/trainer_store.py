"""The document store in a SQLite file, as the trainer uses it."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

from streamrec.adapters.sqlite import erasures as sqlite_erasures
from streamrec.adapters.sqlite.challenger import table as challenger
from streamrec.adapters.sqlite.connection import in_list, transaction, translated_errors
from streamrec.adapters.sqlite.experiments import table
from streamrec.adapters.sqlite.fence import check_lease, take_lease
from streamrec.adapters.sqlite.store_schema import (
    FEW_KIB,
    STATE_COLUMNS,
    open_store_file,
    state_row,
    versions_of,
)
from streamrec.domain.events.erasure import Erasure
from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.generations.challenger import ChallengerUser
from streamrec.domain.items.item import Item, ItemVersions, decode_item
from streamrec.domain.users.user import attributes_by_user
from streamrec.errors import Damaged
from streamrec.ports import Lease, UserUpdates
from streamrec.ports.experiments import StoredExperiments
from streamrec.telemetry import Digest

_PAGE = 1000
"""Items read at once: no read transaction stays open while the caller works on them."""

_UPSERT_STATE = (
    f"INSERT INTO users ({STATE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id)"
    " DO UPDATE SET"
    " generation = excluded.generation, vector = excluded.vector, recent = excluded.recent,"
    " disliked = excluded.disliked, n_events = excluded.n_events, updated_at = excluded.updated_at,"
    " profile = excluded.profile, recent_at = excluded.recent_at, aging = excluded.aging,"
    " less = excluded.less"
)
_ADD_SEEN = "INSERT OR IGNORE INTO seen (user_id, item_id, seen_at) VALUES (?, ?, ?)"
_CLEAR_STATE = (
    "UPDATE users SET generation = NULL, vector = NULL, recent = NULL, disliked = NULL, n_events = NULL,"
    " updated_at = NULL, profile = NULL, recent_at = NULL, aging = NULL, less = NULL WHERE user_id = ?"
)


class SqliteTrainerStore:
    """Implements `TrainerStore`. Safe to call from several threads.

    Reads have a connection of their own: the loop, which reads attributes of new users in each micro-batch,
    does not wait for the publisher's transactions.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = open_store_file(path)
        self._reader = open_store_file(path, cache_kib=FEW_KIB)
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._damages = Digest("documents_passed_over")

    def publish_users(self, updates: UserUpdates, lease: Lease) -> None:
        """Upsert states and change the seen sets, in one transaction with the lease's check.

        Raises
        ------
        LeaseLost
            When a larger token has been given out; nothing is written then.
        """
        # In the order of the keys, neighbours on a page are written while the page is at hand.
        states = sorted(map(state_row, updates.states), key=itemgetter(0))
        seen = sorted(updates.seen, key=itemgetter(0, 2))
        with self._write_lock, transaction(self._writer, self._path) as connection:
            check_lease(connection, lease)
            connection.executemany(_UPSERT_STATE, states)
            # A walk along all that a user has seen: a millisecond for 10,000 items, and seldom.
            connection.executemany("DELETE FROM seen WHERE user_id = ? AND item_id = ?", updates.unseen)
            connection.executemany(_ADD_SEEN, seen)

    def forget_users(self, user_ids: Sequence[str], lease: Lease) -> None:
        """Delete states and seen sets; a user whom only attributes are known of stays.

        Raises
        ------
        LeaseLost
            When a larger token has been given out; nothing is deleted then.
        """
        keys = [(user_id,) for user_id in user_ids]
        with self._write_lock, transaction(self._writer, self._path) as connection:
            check_lease(connection, lease)
            connection.executemany("DELETE FROM users WHERE user_id = ? AND attributes IS NULL", keys)
            connection.executemany(_CLEAR_STATE, keys)
            connection.executemany("DELETE FROM seen WHERE user_id = ?", keys)

    def publish_challenger(self, users: Sequence[ChallengerUser], gone: Sequence[str], lease: Lease) -> None:
        """Delete the challenger's vectors of users who are gone, then replace those of others.

        Raises
        ------
        LeaseLost
            When a larger token has been given out; nothing is written then.
        """
        with self._write_lock, transaction(self._writer, self._path) as connection:
            check_lease(connection, lease)
            challenger.replace(connection, users, gone)

    def erasure_salt(self) -> bytes:
        """Return what digests of user ids are made with."""
        with self._write_lock, transaction(self._writer, self._path) as connection:
            return sqlite_erasures.salt_of(connection)

    def read_erasures(self, digests: Sequence[bytes] | None = None) -> list[Erasure]:
        """Return the erasures of these users, or all."""
        with self._read_lock, translated_errors(self._path):
            return sqlite_erasures.read(self._reader, digests)

    def limit_erasures(self, log: str, ends: Mapping[int, int]) -> None:
        """Let no erasure stand behind the end of a log that was cut."""
        with self._write_lock, transaction(self._writer, self._path) as connection:
            sqlite_erasures.limit(connection, log, ends)

    def read_attributes(self, user_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the attributes of users; those without any are left out, and what is damaged is told of."""
        marks, parameters = in_list(user_ids)
        with self._read_lock, translated_errors(self._path):
            rows = self._reader.execute(
                "SELECT user_id, CAST(attributes AS BLOB) FROM users"
                f" WHERE user_id IN {marks} AND attributes IS NOT NULL",
                parameters,
            ).fetchall()
        try:
            return attributes_by_user(rows)
        except Damaged as error:
            self._damages.note(1, str(error))
            return cast("dict[str, dict[str, Any]]", error.rest)

    def read_items(self, item_ids: Sequence[str] | None = None) -> Iterator[Item]:
        """Yield metadata of these items, or of all in the order of their ids; what is damaged is told of."""
        if item_ids is not None:
            for item_id in item_ids:
                yield from self._readable(self._rows("item_id = CAST(? AS TEXT)", item_id.encode()))
            return
        last = b""
        while page := self._rows(f"item_id > CAST(? AS TEXT) ORDER BY item_id LIMIT {_PAGE}", last):
            yield from self._readable(page)
            last = page[-1][0]

    def _rows(self, condition: str, parameter: bytes) -> list[tuple[bytes, bytes]]:
        # As bytes: a row that is no text must not hide the others.
        statement = "SELECT CAST(item_id AS BLOB), CAST(document AS BLOB) FROM items"
        with self._read_lock, translated_errors(self._path):
            return self._reader.execute(
                f"{statement} WHERE typeof(item_id) = 'text' AND deleted_at IS NULL AND {condition}",
                (parameter,),
            ).fetchall()

    def _readable(self, rows: Sequence[tuple[bytes, bytes]]) -> Iterator[Item]:
        for item_id, document in rows:
            try:
                yield decode_item(document, item_id.decode(errors="replace"))
            except Damaged as error:
                self._damages.note(1, f"item {item_id!r}: {error}")

    def read_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        """Return these as they are now, deleted ones included."""
        marks, parameters = in_list(item_ids)
        with self._read_lock, translated_errors(self._path):
            rows = self._reader.execute(
                f"SELECT item_id, CAST(document AS BLOB), version FROM items WHERE item_id IN {marks}",
                parameters,
            ).fetchall()
        try:
            return versions_of(rows)
        except Damaged as error:
            self._damages.note(1, str(error))
            return cast("ItemVersions", error.rest)

    def read_experiments(self) -> StoredExperiments:
        """Return all definitions of experiments."""
        with self._read_lock, translated_errors(self._path):
            return table.experiments_in(self._reader.execute(table.ALL).fetchall())

    def replace_experiment(self, experiment: Experiment, after: int) -> bool:
        """Store a definition if the version that is stored is `after`; return whether it was."""
        with self._write_lock, transaction(self._writer, self._path) as connection:
            return table.put(connection, experiment, after) > 0

    def write_results(self, experiment_id: str, results: bytes, lease: Lease) -> bool:
        """Replace the results of an experiment; return whether it is still there.

        Raises
        ------
        LeaseLost
            When a larger token has been given out.
        """
        with self._write_lock, transaction(self._writer, self._path) as connection:
            check_lease(connection, lease)
            return connection.execute(table.WRITE_RESULTS, (results.decode(), experiment_id)).rowcount > 0

    def acquire(self, name: str, owner: str, duration_s: float, now: float) -> Lease | None:
        """Take or renew the lease; None while somebody else holds it."""
        with self._write_lock, transaction(self._writer, self._path) as connection:
            return take_lease(connection, name, owner, duration_s, now)

    def held(self, name: str) -> Lease | None:
        """Return the lease as it was last given out; None when nobody has it, or it can't be read."""
        with self._read_lock, translated_errors(self._path):
            row = self._reader.execute(
                "SELECT name, owner, token, expires_at FROM leases WHERE name = ? AND typeof(owner) = 'text'"
                " AND typeof(token) = 'integer' AND typeof(expires_at) = 'real'",
                (name,),
            ).fetchone()
        return None if row is None else Lease(*row)

    def release(self, lease: Lease) -> None:
        """Give it up. The row stays: the next holder's token must be larger."""
        with self._write_lock, transaction(self._writer, self._path) as connection:
            connection.execute(
                "UPDATE leases SET owner = NULL WHERE name = ? AND owner = ? AND token = ?", lease[:3]
            )

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
        self._reader.close()
