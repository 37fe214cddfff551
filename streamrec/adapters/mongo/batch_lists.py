"""Lists made beforehand, in MongoDB.

::

    batches       {_id: name, document: JSON text}
    batch_lists   {_id: {batch, version, user_id}, user_id, items: JSON text}
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ReadPreference, ReplaceOne
from pymongo.asynchronous.collection import AsyncCollection

from streamrec.adapters.mongo.catalog import MongoCatalog, request
from streamrec.adapters.mongo.connection import MAJORITY, MAJORITY_READ, Document, translated_errors
from streamrec.adapters.mongo.finishing import finishing
from streamrec.domain.items.batch_lists import Batch, ListedItem, decode_list, encode_batch, encode_list
from streamrec.errors import Damaged
from streamrec.ports.batch_lists import batches_in

_BATCHES, _LISTS = "batches", "batch_lists"

# A batch counts once all of its lists are there, whichever server answers.
_SURE: dict[str, Any] = {
    "write_concern": MAJORITY,
    "read_concern": MAJORITY_READ,
    "read_preference": ReadPreference.PRIMARY,
}


@finishing
class MongoBatchLists(MongoCatalog):
    """Implements `BatchListCatalog`."""

    async def get_batches(self) -> list[Batch]:
        """Return what is published, in order of names; what can't be read is left out."""
        with translated_errors(self._address):
            found = await self._sure(_BATCHES).find({}, comment=request()).to_list()
        texts = ((one["_id"], one.get("document")) for one in found)
        return batches_in((name, text) for name, text in texts if isinstance(text, str))

    async def get_batch_list(self, batch: Batch, user_id: str) -> list[ListedItem] | None:
        """Return a user's list, best first; None where there is none."""
        key = _key(batch.name, batch.version, user_id)
        with translated_errors(self._address):
            found = await self._collection(_LISTS).find_one({"_id": key}, ["items"], comment=request())
        if found is None:
            return None
        items = found.get("items")
        if not isinstance(items, str):
            raise Damaged(f"the list of {batch.name!r} has no items")
        return decode_list(items.encode(errors="replace"))

    async def put_batch_lists(
        self, name: str, version: int, lists: Mapping[str, Sequence[ListedItem]]
    ) -> None:
        """Write lists, in place of those that the users have in this version."""
        if not lists:
            return
        changes = [
            ReplaceOne(
                {"_id": _key(name, version, user_id)},
                {"user_id": user_id, "items": encode_list(items)},
                upsert=True,
            )
            for user_id, items in lists.items()
        ]
        with translated_errors(self._address):
            # Erasures find lists by it, and publishing the versions to delete.
            await self._collection(_LISTS).create_index("user_id")
            await self._sure(_LISTS).bulk_write(changes, ordered=False, comment=request())

    async def drop_batch_lists(self, name: str, version: int, user_ids: Sequence[str]) -> int:
        """Delete the lists that these users have in a version; return how many that were."""
        keys = [_key(name, version, user_id) for user_id in user_ids]
        with translated_errors(self._address):
            deleted = await self._sure(_LISTS).delete_many({"_id": {"$in": keys}}, comment=request())
        return deleted.deleted_count

    async def publish_batch(self, batch: Batch) -> None:
        """Let a version be the one that counts, and delete the lists of all others of this name."""
        change = {"document": encode_batch(batch)}
        others = {"_id.batch": batch.name, "_id.version": {"$ne": batch.version}}
        with translated_errors(self._address):
            await self._sure(_BATCHES).replace_one(
                {"_id": batch.name}, change, upsert=True, comment=request()
            )
            await self._sure(_LISTS).delete_many(others, comment=request())

    async def delete_batch(self, name: str) -> bool:
        """Delete all versions; return whether one was published."""
        with translated_errors(self._address):
            deleted = await self._sure(_BATCHES).delete_one({"_id": name}, comment=request())
            await self._sure(_LISTS).delete_many({"_id.batch": name}, comment=request())
        return deleted.deleted_count > 0

    async def erase_batch_lists(self, user_id: str) -> None:
        """Delete the user's lists of all names and versions."""
        with translated_errors(self._address):
            await self._sure(_LISTS).delete_many({"user_id": user_id}, comment=request())

    def _sure(self, name: str) -> AsyncCollection[Document]:
        return self._collection(name).with_options(**_SURE)


def _key(name: str, version: int, user_id: str) -> Document:
    return {"batch": name, "version": version, "user_id": user_id}
