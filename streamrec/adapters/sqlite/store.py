"""The document store in a SQLite file, as a server uses it."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from streamrec.adapters.attempts import Attempts
from streamrec.adapters.sqlite import erasures as sqlite_erasures
from streamrec.adapters.sqlite.batch_lists.catalog import SqliteBatchLists
from streamrec.adapters.sqlite.challenger import table as challenger
from streamrec.adapters.sqlite.challenger.users import SqliteChallengerUsers
from streamrec.adapters.sqlite.connection import in_list, transaction, translated_errors
from streamrec.adapters.sqlite.experiments.catalog import SqliteExperiments
from streamrec.adapters.sqlite.search import find_choosers, find_items, find_users
from streamrec.adapters.sqlite.store_schema import (
    NEXT_ITEMS,
    READ_COLUMNS,
    SUM_CHANGED,
    decode_ids,
    encode_text,
    open_store_file,
    page_of,
    user_of,
    versions_of,
)
from streamrec.domain.items.item import (
    FoundItems,
    Item,
    ItemPage,
    ItemPosition,
    ItemVersions,
    VersionSum,
    decode_item,
    deleted_item,
)
from streamrec.domain.users.choosers import Choosers
from streamrec.domain.users.user import UserDocument
from streamrec.errors import Damaged
from streamrec.payload import decoded_each
from streamrec.ports import Mark, UserProfile

_ERASED_AT_ONCE = 10_000
"""Seen rows deleted in a transaction: some 50 ms, for which the trainer's own writing waits."""

_REPEATS_READ = 10
"""Of a user who sees the same items again and again, so many times the rows asked for are read at most."""

_PUT_ITEM = (
    "INSERT INTO items (item_id, document, version, deleted_at) VALUES (?, ?, ?, ?) ON CONFLICT (item_id)"
    " DO UPDATE SET document = excluded.document, version = max(version + 1, excluded.version),"
    " deleted_at = excluded.deleted_at"
)


class SqliteStore(SqliteExperiments, SqliteBatchLists, SqliteChallengerUsers):
    """Implements `DocumentStore`.

    Reads take tens of microseconds, less than the way to a thread and back, so they run in the event loop;
    writes may wait for the trainer's transaction and run in a thread, on a connection of their own.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open the file; `clock` gives Unix seconds."""
        self._path = path
        self._clock = clock
        self._writer = open_store_file(path)
        self._reader = open_store_file(path)
        self._attempts = Attempts()

    async def get_profile(self, user_id: str, n_seen: int) -> UserProfile:
        """Return document and newest `n_seen` seen items."""
        document, seen, damage = None, [], None
        try:
            seen = await self.seen_items(user_id, n_seen) if n_seen else []
        except Damaged as error:
            damage = error
        try:
            document = await self.get_user(user_id)
        except Damaged as error:
            document, damage = cast("UserDocument | None", error.rest), error
        if damage is not None:
            raise Damaged(f"{self._path}: {damage}", rest=UserProfile(document, seen))
        return UserProfile(document, seen)

    async def get_profiles(self, user_ids: Sequence[str], n_seen: int) -> dict[str, UserProfile]:
        """Return the same of many users; reading what they saw takes no longer one by one."""
        documents = await self.get_users(user_ids)
        seen = {user_id: await self.seen_items(user_id, n_seen) if n_seen else [] for user_id in user_ids}
        return {user_id: UserProfile(documents.get(user_id), seen[user_id]) for user_id in user_ids}

    async def get_user(self, user_id: str) -> UserDocument | None:
        """Return the document, or None for an unknown user."""
        rows = self._read(f"SELECT {READ_COLUMNS} FROM users WHERE user_id = ?", user_id)
        return user_of(rows[0]) if rows else None

    async def get_users(self, user_ids: Sequence[str]) -> dict[str, UserDocument]:
        """Return the documents of these; unknown users are left out."""
        marks, parameters = in_list(user_ids)
        rows = self._read(f"SELECT {READ_COLUMNS} FROM users WHERE user_id IN {marks}", *parameters)
        return decoded_each(user_of, ((row[0], row) for row in rows), "document")

    async def seen_items(self, user_id: str, limit: int) -> list[str]:
        """Return the newest `limit` items that this user has seen, newest first."""
        newest: dict[str, None] = {}
        for page in range(_REPEATS_READ):
            # One row of JSON: handing rows over to Python takes longer than reading them.
            rows = self._read(
                "SELECT CAST(json_group_array(CAST(item_id AS TEXT)) AS BLOB) FROM"
                " (SELECT item_id FROM seen WHERE user_id = ? ORDER BY seen_at DESC LIMIT ? OFFSET ?)",
                user_id, limit, page * limit,
            )  # fmt: skip
            item_ids = decode_ids(rows[0][0])
            newest.update(dict.fromkeys(item_ids))
            if len(newest) >= limit or len(item_ids) < limit:
                break
        return list(newest)[:limit]

    async def put_attributes(self, user_id: str, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes; creates the document for an unknown user."""
        row = (user_id, encode_text(attributes))
        statement = (
            "INSERT INTO users (user_id, attributes) VALUES (?, ?)"
            " ON CONFLICT (user_id) DO UPDATE SET attributes = excluded.attributes"
        )
        await self._write(lambda connection: connection.execute(statement, row).rowcount)

    async def find_items(self, text: str, limit: int, after: str = "") -> FoundItems:
        """Return items after `after` whose id begins with `text` or whose title has it."""
        return await asyncio.to_thread(find_items, self._path, text, limit, after)

    async def find_users(self, prefix: str, limit: int, after: str = "") -> list[str]:
        """Return ids that start with `prefix` and come after `after`, in order of their bytes."""
        return find_users(self._read, prefix, limit, after)

    async def find_choosers(self, item_id: str, limit: int, after: str = "") -> Choosers:
        """Return users after `after` who have the item among their recent ones."""
        return await asyncio.to_thread(find_choosers, self._path, item_id, limit, after)

    async def erase_user(self, user_id: str) -> bool:
        """Delete everything stored of a user; return whether there was anything."""
        n_seen = 0
        while n_deleted := await self._write(
            lambda connection: (
                connection.execute(
                    "DELETE FROM seen WHERE (user_id, seen_at, item_id) IN"
                    " (SELECT user_id, seen_at, item_id FROM seen WHERE user_id = ? LIMIT ?)",
                    (user_id, _ERASED_AT_ONCE),
                ).rowcount
            )
        ):
            n_seen += n_deleted
        statements = ("DELETE FROM users WHERE user_id = ?", challenger.DELETE)
        n_users = await self._write(
            lambda connection: sum(connection.execute(one, (user_id,)).rowcount for one in statements)
        )
        return n_seen + n_users > 0

    async def note_erasure(self, user_id: str, mark: Mark, erased_at: float) -> None:
        """Write down where in the log a user was erased."""

        def write(connection: sqlite3.Connection) -> int:
            sqlite_erasures.note(connection, user_id, mark, erased_at)
            return len(mark.offsets)

        await self._write(write)

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return what is known of these; unknown ids are left out."""
        marks, parameters = in_list(item_ids)
        rows = self._read(
            f"SELECT item_id, CAST(document AS BLOB) FROM items WHERE item_id IN {marks}"
            " AND deleted_at IS NULL",
            *parameters,
        )
        return decoded_each(
            lambda row: decode_item(row[1], row[0]), ((row[0], row) for row in rows), "document"
        )

    async def get_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        """Return these as they are now, deleted ones included."""
        marks, parameters = in_list(item_ids)
        rows = self._read(
            f"SELECT item_id, CAST(document AS BLOB), version FROM items WHERE item_id IN {marks}",
            *parameters,
        )
        return versions_of(rows)

    async def changed_items(self, after: ItemPosition, limit: int) -> ItemPage:
        """Return the next items by their versions, deleted ones included."""
        return page_of(self._read(NEXT_ITEMS, after.version, after.key, limit), after, limit)

    async def sum_changed(self, first: int, last: int) -> VersionSum:
        """Sum up the items that have one of these versions."""
        return VersionSum(*self._read(SUM_CHANGED, first, last)[0])

    async def put_items(self, items: Sequence[Item]) -> None:
        """Replace whole items, all or none; durable on return."""
        now_ms = int(self._clock() * 1000)
        rows = [(item.item_id, encode_text(item), now_ms, None) for item in items]
        await self._write(lambda connection: connection.executemany(_PUT_ITEM, rows).rowcount)

    async def delete_item(self, item_id: str) -> bool:
        """Delete; return whether it was there."""
        now = self._clock()
        row = (item_id, encode_text(deleted_item(item_id)), int(now * 1000), now)

        def delete(connection: sqlite3.Connection) -> int:
            found = connection.execute(
                "SELECT count(*) FROM items WHERE item_id = ? AND deleted_at IS NULL", (item_id,)
            ).fetchone()
            connection.execute(_PUT_ITEM, row)
            return int(found[0])

        return await self._write(delete) > 0

    async def check(self) -> None:
        """Look whether the file can be read."""
        self._read("SELECT 1 FROM users LIMIT 1")

    async def aclose(self) -> None:
        """Close the file."""
        with self._attempts.none():
            self._reader.close()
            self._writer.close()

    def _read(self, statement: str, *parameters: str | bytes | int | None) -> list[tuple[Any, ...]]:
        with translated_errors(self._path):
            return self._reader.execute(statement, parameters).fetchall()

    async def _write(self, change: Callable[[sqlite3.Connection], int]) -> int:
        def write() -> int:
            # Each waits ten seconds for a file that another holds: those behind it would all do so in turn.
            with self._attempts.one(), transaction(self._writer, self._path) as connection:
                return change(connection)

        return await asyncio.to_thread(write)
