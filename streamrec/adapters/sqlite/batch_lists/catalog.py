"""Lists made beforehand, in a SQLite file, as a server uses them."""

import sqlite3
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streamrec.adapters.sqlite.batch_lists import table
from streamrec.domain.items.batch_lists import Batch, ListedItem, decode_list, encode_batch, encode_list
from streamrec.ports.batch_lists import batches_in

_DROPPED_AT_ONCE = 5_000
"""Lists deleted in a transaction: some 50 ms, for which the trainer's own writing waits."""

_NO_VERSION = -1


class SqliteBatchLists:
    """Implements `BatchListCatalog` over whatever reads and writes the file."""

    async def get_batches(self) -> list[Batch]:
        """Return what is published, in order of names; what can't be read is left out."""
        return batches_in(self._read(table.BATCHES))

    async def get_batch_list(self, batch: Batch, user_id: str) -> list[ListedItem] | None:
        """Return a user's list, best first; None where there is none."""
        rows = self._read(table.LIST, batch.name, batch.version, user_id)
        return decode_list(rows[0][0]) if rows else None

    async def put_batch_lists(
        self, name: str, version: int, lists: Mapping[str, Sequence[ListedItem]]
    ) -> None:
        """Write lists, in place of those that the users have in this version."""
        rows = [(name, version, user_id, encode_list(items)) for user_id, items in lists.items()]
        await self._write(lambda connection: connection.executemany(table.PUT_LIST, rows).rowcount)

    async def drop_batch_lists(self, name: str, version: int, user_ids: Sequence[str]) -> int:
        """Delete the lists that these users have in a version; return how many that were."""
        keys = [(name, version, user_id) for user_id in user_ids]
        return await self._write(lambda connection: connection.executemany(table.DROP_LIST, keys).rowcount)

    async def publish_batch(self, batch: Batch) -> None:
        """Let a version be the one that counts, and delete the lists of all others of this name."""
        row = (batch.name, encode_batch(batch))
        await self._write(lambda connection: connection.execute(table.PUBLISH, row).rowcount)
        await self._drop_others(batch.name, batch.version)

    async def delete_batch(self, name: str) -> bool:
        """Delete all versions; return whether one was published."""
        n = await self._write(lambda connection: connection.execute(table.WITHDRAW, (name,)).rowcount)
        await self._drop_others(name, _NO_VERSION)
        return n > 0

    async def erase_batch_lists(self, user_id: str) -> None:
        """Delete the user's lists of all names and versions."""
        await self._write(lambda connection: connection.execute(table.ERASE, (user_id,)).rowcount)

    async def _drop_others(self, name: str, version: int) -> None:
        some = (name, version, _DROPPED_AT_ONCE)
        while await self._write(lambda connection: connection.execute(table.DROP_SOME, some).rowcount):
            pass

    @abstractmethod
    def _read(self, statement: str, *parameters: str | bytes | int | None) -> list[tuple[Any, ...]]: ...

    @abstractmethod
    async def _write(self, change: Callable[[sqlite3.Connection], int]) -> int: ...
