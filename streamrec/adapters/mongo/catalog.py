"""Items in MongoDB, as a server uses them, and the connection that all of a server's store has."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.collection import AsyncCollection

from streamrec.adapters.mongo.connection import SERVER_TIMEOUT_S, Document, MongoAddress, translated_errors
from streamrec.adapters.mongo.documents import (
    DELETED_KEPT_S,
    NOT_DELETED,
    item_of,
    item_replacement,
    item_upsert,
    versions_of,
)
from streamrec.adapters.mongo.finishing import finishing
from streamrec.domain.items.item import (
    FoundItems,
    Item,
    ItemPage,
    ItemPosition,
    ItemVersions,
    VersionSum,
    deleted_item,
)
from streamrec.errors import Damaged
from streamrec.payload import decoded_each
from streamrec.serving.sources.joint_reads import JointReads

_CONNECTIONS = 64
"""Of one process: more requests than this wait for one another, not for as many threads of MongoDB."""


@finishing
class MongoCatalog:
    """Implements `ItemCatalog`; connects at the first use."""

    def __init__(self, address: MongoAddress, clock: Callable[[], float]) -> None:
        self._address = address
        self._clock = clock
        self._forgets_deleted = False
        self._is_indexed = False
        self._joint_versions = JointReads(self._versions_of)
        self._client: AsyncMongoClient[Document] | None = None
        self._collections: dict[str, AsyncCollection[Document]] = {}

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return what is known of these; unknown ids are left out."""
        if not item_ids:
            return {}
        with translated_errors(self._address):
            found = self._collection("items").find(
                {"_id": {"$in": list(item_ids)}} | NOT_DELETED,
                batch_size=len(item_ids) + 1,
                comment=request(),
            )
            documents = await found.to_list()
        return decoded_each(item_of, ((document["_id"], document) for document in documents), "document")

    async def find_items(self, text: str, limit: int, after: str = "") -> FoundItems:
        """Return items after `after` whose id begins with `text` or whose title has it."""
        begins, has = {"$regex": f"^{re.escape(text)}"}, {"$regex": re.escape(text), "$options": "i"}
        with translated_errors(self._address):
            found = self._collection("items").find(
                {"_id": {"$gt": after}, "$or": [{"_id": begins}, {"title": has}]} | NOT_DELETED,
                sort=[("_id", 1)],
                limit=limit + 1,
                comment=request(),
            )
            documents = await found.to_list()
        page = documents[:limit]
        return FoundItems(list(_readable(page).values()), page[-1]["_id"] if len(documents) > limit else None)

    async def get_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        """Return these as they are now, deleted ones included: whatever the URL says, of the primary.

        What is asked for in one turn of the event loop is read in one round trip.
        """
        if not item_ids:
            return ItemVersions({}, {})
        try:
            found = await self._joint_versions.of(item_ids)
        except Damaged:
            # It may be another's: what is damaged costs itself alone.
            return await self._versions_of(item_ids)
        return ItemVersions(
            {id_: found.items[id_] for id_ in item_ids if id_ in found.items},
            {id_: found.versions[id_] for id_ in item_ids if id_ in found.versions},
        )

    def _items_of_primary(self) -> AsyncCollection[Document]:
        return self._collection("items").with_options(read_preference=ReadPreference.PRIMARY)

    async def _versions_of(self, item_ids: Sequence[str]) -> ItemVersions:
        with translated_errors(self._address):
            found = self._items_of_primary().find(
                {"_id": {"$in": list(item_ids)}}, batch_size=len(item_ids) + 1, comment=request()
            )
            return versions_of(await found.to_list())

    async def changed_items(self, after: ItemPosition, limit: int) -> ItemPage:
        """Return the next items by their versions, deleted ones included: of the primary."""
        key = after.key.decode()
        # What was written before there were versions has none, and comes first.
        same = {"version": after.version if after.version >= 0 else None, "_id": {"$gt": key}}
        later = {"version": {"$gt": after.version}}
        order = [("version", 1), ("_id", 1)]
        with translated_errors(self._address):
            if not self._is_indexed:
                await self._collection("items").create_index(order)
                self._is_indexed = True
            found = self._items_of_primary().find(
                {"$or": [same, later]}, sort=order, limit=limit, batch_size=limit + 1, comment=request()
            )
            documents = await found.to_list()
        places = [ItemPosition(one.get("version", -1), one["_id"].encode()) for one in documents]
        end = places[-1] if places else after
        return ItemPage(_readable(documents), end, is_last=len(documents) < limit, places=places)

    async def sum_changed(self, first: int, last: int) -> VersionSum:
        """Sum up the items that have one of these versions: of the primary."""
        with translated_errors(self._address):
            after_first = {"$sum": {"$subtract": ["$version", first]}}
            steps: list[dict[str, Any]] = [
                {"$match": {"version": {"$gte": first, "$lte": last}}},
                {"$group": {"_id": None, "n": {"$sum": 1}, "total": after_first}},
            ]
            summed = await (await self._items_of_primary().aggregate(steps, comment=request())).to_list()
            return VersionSum(summed[0]["n"], summed[0]["total"]) if summed else VersionSum()

    async def put_items(self, items: Sequence[Item]) -> None:
        """Replace whole items; durable on return. Where it fails half way, a repeat mends it."""
        if not items:
            return
        with translated_errors(self._address):
            await self._collection("items").bulk_write(
                [item_upsert(item, self._clock()) for item in items], ordered=False, comment=request()
            )

    async def delete_item(self, item_id: str) -> bool:
        """Delete; return whether it was there."""
        with translated_errors(self._address):
            await self._forget_deleted_later()
            before = await self._collection("items").find_one_and_update(
                {"_id": item_id},
                item_replacement(deleted_item(item_id), self._clock(), is_deleted=True),
                {"deleted_at": 1},
                upsert=True,
                comment=request(),
            )
        return before is not None and before.get("deleted_at") is None

    async def _forget_deleted_later(self) -> None:
        """Have MongoDB remove what is kept of deleted items, after a while."""
        if not self._forgets_deleted:
            await self._collection("items").create_index("deleted_at", expireAfterSeconds=DELETED_KEPT_S)
            self._forgets_deleted = True

    def _collection(self, name: str) -> AsyncCollection[Document]:
        if self._client is None:
            # Not before the first use: the client belongs to the event loop that it is made in.
            options = self._address.options(SERVER_TIMEOUT_S) | {"maxPoolSize": _CONNECTIONS}
            self._client, self._collections = AsyncMongoClient(self._address.url, **options), {}
        # The driver makes a database and a collection anew wherever they are named: a tenth of a short query.
        if name not in self._collections:
            self._collections[name] = self._client[self._address.database][name]
        return self._collections[name]


def request() -> str | None:
    """Return the request's id, as a comment of what is asked of MongoDB."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return None if request_id is None else str(request_id)


def _readable(documents: Sequence[Document]) -> dict[str, Item]:
    items = {}
    for document in documents:
        try:
            items[document["_id"]] = item_of(document)
        except Damaged:
            continue
    return items
