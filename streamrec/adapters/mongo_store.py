"""The document store in MongoDB, as a server uses it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import structlog
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from streamrec.adapters.mongo_connection import (
    COLLECTION_EXISTS,
    MAJORITY,
    SERVER_TIMEOUT_S,
    Document,
    MongoPlace,
    in_our_words,
)
from streamrec.adapters.mongo_documents import (
    DELETED_KEPT_S,
    FENCE,
    NOT_DELETED,
    all_seen_of,
    ids_of,
    item_of,
    item_replacement,
    item_upsert,
    json_text,
    newest_sights,
    profile,
    user_of,
    versions_of,
)
from streamrec.adapters.mongo_erasures import ERASURES, INSTALLATION, noted, salt_in
from streamrec.domain.erasure import digest_of
from streamrec.domain.item import Item, ItemVersions, deleted_item
from streamrec.domain.user import UserDocument
from streamrec.errors import Damaged
from streamrec.payload import decoded_each
from streamrec.ports import Mark, UserProfile
from streamrec.redaction import shown_url

_REPEATS_READ = 10
"""Of a user who sees the same items again and again, so many times the sights asked for are read at most."""

_ERASED_AT_ONCE = 10_000
"""Sights deleted by one command: some tenths of a second."""

_CONNECTIONS = 64
"""Of one process: more requests than this wait for one another, not for as many threads of MongoDB."""


class MongoStore:
    """Implements `DocumentStore`.

    What is asked of MongoDB carries the request's id as its comment: a slow query in MongoDB's log, or in its
    profiler, can be told to be this request's.
    """

    def __init__(self, place: MongoPlace, *, clock: Callable[[], float] = time.time) -> None:
        """Connect at the first use; `clock` gives Unix seconds."""
        self._place = place
        self._clock = clock
        self._forgets_deleted = False
        self._client: AsyncMongoClient[Document] | None = None
        self._has_users = False
        self._salt: bytes | None = None

    async def get_profile(self, user_id: str, n_seen: int) -> UserProfile:
        """Return document and newest `n_seen` seen items, in one round trip.

        Asking for both side by side takes the driver twice the time, which is half of the whole.
        """
        if n_seen < 1:
            try:
                return UserProfile(await self.get_user(user_id), [])
            except Damaged as error:
                document = cast("UserDocument | None", error.rest)
                raise Damaged(str(error), rest=UserProfile(document, [])) from error
        document, item_ids, damage = None, [], None
        for part in await self._aggregate("users", profile(user_id, n_seen)):
            try:
                if part["_id"] is None:
                    item_ids = ids_of(part)
                else:
                    document = user_of(part)
            except Damaged as error:
                document, damage = cast("UserDocument | None", error.rest) or document, error
        found = UserProfile(document, await self._distinct(user_id, n_seen, item_ids))
        if damage is not None:
            raise Damaged(f"{shown_url(self._place.url)}: {damage}", rest=found)
        return found

    async def get_user(self, user_id: str) -> UserDocument | None:
        """Return the document, or None for a stranger."""
        with in_our_words(self._place):
            document = await self._collection("users").find_one({"_id": user_id}, comment=_request())
        return None if document is None else user_of(document)

    async def get_users(self, user_ids: Sequence[str]) -> dict[str, UserDocument]:
        """Return the documents of these; strangers are left out."""
        if not user_ids:
            return {}
        with in_our_words(self._place):
            found = self._collection("users").find(
                {"_id": {"$in": list(user_ids)}}, batch_size=len(user_ids) + 1, comment=_request()
            )
            documents = await found.to_list()
        return decoded_each(user_of, ((document["_id"], document) for document in documents), "document")

    async def seen_items(self, user_id: str, limit: int) -> list[str]:
        """Return the newest `limit` items that this user has seen, newest first."""
        if limit < 1:
            return []
        return await self._distinct(user_id, limit, await self._sights(user_id, limit, 0))

    async def _distinct(self, user_id: str, limit: int, item_ids: list[str]) -> list[str]:
        """Take each of the newest items once; read on where some of them repeat."""
        newest = dict.fromkeys(item_ids)
        for page in range(1, _REPEATS_READ):
            if len(newest) >= limit or len(item_ids) < limit:
                break
            item_ids = await self._sights(user_id, limit, page * limit)
            newest.update(dict.fromkeys(item_ids))
        return list(newest)[:limit]

    async def _sights(self, user_id: str, limit: int, offset: int) -> list[str]:
        found = await self._aggregate("seen", newest_sights(user_id, limit, offset))
        return ids_of(found[0]) if found else []

    async def _aggregate(self, name: str, pipeline: list[Document]) -> list[Document]:
        with in_our_words(self._place):
            cursor = await self._collection(name).aggregate(pipeline, comment=_request())
            return await cursor.to_list()

    async def put_attributes(self, user_id: str, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes; creates the document for a stranger."""
        change = {"$set": {"attributes": json_text(attributes)}}
        with in_our_words(self._place):
            await self._create_users()
            await self._collection("users").update_one(
                {"_id": user_id}, change, upsert=True, comment=_request()
            )

    async def _create_users(self) -> None:
        """Create the collection as the trainer wants it, should we be the first to write."""
        if self._has_users:
            return
        try:
            await self._collection("users").database.command("create", "users", validator=FENCE)
        except OperationFailure as error:
            if error.code != COLLECTION_EXISTS:
                raise
        self._has_users = True

    async def find_users(self, prefix: str, limit: int) -> list[str]:
        """Return ids that start with `prefix`, in order of their bytes, as MongoDB compares them."""
        with in_our_words(self._place):
            found = self._collection("users").find(
                {"_id": {"$gte": prefix}}, {"_id": 1}, sort=[("_id", 1)], limit=limit,
                batch_size=limit + 1, comment=_request(),
            )  # fmt: skip
            # Ids with the prefix come first of all that are not before it.
            return [
                user_id
                for document in await found.to_list()
                if (user_id := document["_id"]).startswith(prefix)
            ]

    async def erase_user(self, user_id: str) -> bool:
        """Delete everything stored of a user; return whether there was anything."""
        with in_our_words(self._place):
            n_sights = await self._erase_sights(user_id)
            users = await self._collection("users").delete_one({"_id": user_id}, comment=_request())
        return n_sights + users.deleted_count > 0

    async def _erase_sights(self, user_id: str) -> int:
        seen, comment = self._collection("seen"), _request()
        n_erased = 0
        while True:
            sights = all_seen_of(user_id)
            newest = await seen.find_one(
                sights, {"_id": 1}, sort=[("_id", 1)], skip=_ERASED_AT_ONCE - 1, comment=comment
            )
            if newest is None:
                return n_erased + (await seen.delete_many(sights, comment=comment)).deleted_count
            sights["_id"]["$lte"] = newest["_id"]
            n_erased += (await seen.delete_many(sights, comment=comment)).deleted_count

    async def note_erasure(self, user_id: str, mark: Mark, erased_at: float) -> None:
        """Write down, on most of the servers, where in the log a user was erased."""
        with in_our_words(self._place):
            if self._salt is None:
                self._salt = await salt_in(self._collection(INSTALLATION))
            filter_, change = noted(digest_of(user_id, self._salt), mark, erased_at)
            erasures = self._collection(ERASURES).with_options(write_concern=MAJORITY)
            await erasures.update_one(filter_, change, upsert=True, comment=_request())

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return what is known of these; unknown ids are left out."""
        if not item_ids:
            return {}
        with in_our_words(self._place):
            found = self._collection("items").find(
                {"_id": {"$in": list(item_ids)}} | NOT_DELETED,
                batch_size=len(item_ids) + 1,
                comment=_request(),
            )
            documents = await found.to_list()
        return decoded_each(item_of, ((document["_id"], document) for document in documents), "document")

    async def get_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        """Return these as they are now, deleted ones included: whatever the URL says, of the primary."""
        if not item_ids:
            return ItemVersions({}, {})
        with in_our_words(self._place):
            primary = self._collection("items").with_options(read_preference=ReadPreference.PRIMARY)
            found = primary.find(
                {"_id": {"$in": list(item_ids)}}, batch_size=len(item_ids) + 1, comment=_request()
            )
            return versions_of(await found.to_list())

    async def put_items(self, items: Sequence[Item]) -> None:
        """Replace whole items; durable on return. Where it fails half way, a repeat mends it."""
        if not items:
            return
        with in_our_words(self._place):
            await self._collection("items").bulk_write(
                [item_upsert(item, self._clock()) for item in items], ordered=False, comment=_request()
            )

    async def delete_item(self, item_id: str) -> bool:
        """Delete; return whether it was there."""
        with in_our_words(self._place):
            await self._forget_deleted_later()
            before = await self._collection("items").find_one_and_update(
                {"_id": item_id},
                item_replacement(deleted_item(item_id), self._clock(), is_deleted=True),
                {"deleted_at": 1},
                upsert=True,
                comment=_request(),
            )
        return before is not None and before.get("deleted_at") is None

    async def _forget_deleted_later(self) -> None:
        """Have MongoDB remove what is kept of deleted items, after a while."""
        if not self._forgets_deleted:
            await self._collection("items").create_index("deleted_at", expireAfterSeconds=DELETED_KEPT_S)
            self._forgets_deleted = True

    async def check(self) -> None:
        """Return when MongoDB answers, and lets us read."""
        with in_our_words(self._place):
            await self._collection("users").find_one({}, {"_id": 1}, comment=_request())

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _collection(self, name: str) -> AsyncCollection[Document]:
        if self._client is None:
            # Not before the first use: the client belongs to the event loop that it is made in.
            options = self._place.options(SERVER_TIMEOUT_S) | {"maxPoolSize": _CONNECTIONS}
            self._client = AsyncMongoClient(self._place.url, **options)
        return self._client[self._place.database][name]


def _request() -> str | None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return None if request_id is None else str(request_id)
