"""The document store in MongoDB, as a server uses it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from pymongo.errors import OperationFailure

from streamrec.adapters.mongo.batch_lists import MongoBatchLists
from streamrec.adapters.mongo.catalog import request
from streamrec.adapters.mongo.connection import (
    COLLECTION_EXISTS,
    MAJORITY,
    Document,
    MongoAddress,
    translated_errors,
)
from streamrec.adapters.mongo.documents import (
    FENCE,
    all_seen_of,
    ids_of,
    json_text,
    newest_sights,
    user_of,
)
from streamrec.adapters.mongo.erasures import ERASURES, INSTALLATION, noted, salt_in
from streamrec.adapters.mongo.experiments import (
    CHALLENGER_USERS,
    MongoChallengerUsers,
    MongoExperiments,
)
from streamrec.adapters.mongo.finishing import finishing
from streamrec.adapters.mongo.profiles import JointProfiles, choosers, profile, profiles
from streamrec.domain.events.erasure import digest_of
from streamrec.domain.users.choosers import MAX_LOOKED_AT, Chooser, Choosers, chooser_of
from streamrec.domain.users.user import UserDocument
from streamrec.errors import Damaged
from streamrec.payload import decoded_each
from streamrec.ports import Mark, UserProfile
from streamrec.redaction import shown_url

_REPEATS_READ = 10
"""Of a user who sees the same items again and again, so many times the sights asked for are read at most."""

_ERASED_AT_ONCE = 10_000
"""Sights deleted by one command: some tenths of a second."""


@finishing
class MongoStore(MongoExperiments, MongoBatchLists, MongoChallengerUsers):
    """Implements `DocumentStore`.

    What is asked of MongoDB carries the request's id as its comment: a slow query in MongoDB's log, or in its
    profiler, can be told to be this request's.
    """

    def __init__(self, address: MongoAddress, *, clock: Callable[[], float] = time.time) -> None:
        """Connect at the first use; `clock` gives Unix seconds."""
        super().__init__(address, clock)
        self._has_users = False
        self._joint_profiles = JointProfiles(self._profile, self.get_profiles)
        self._salt: bytes | None = None

    async def get_profile(self, user_id: str, n_seen: int) -> UserProfile:
        """Return document and newest `n_seen` seen items, in one round trip with those of who asks meanwhile.

        Asking for both side by side takes the driver twice the time, which is half of the whole.
        """
        return await self._joint_profiles.of(user_id, n_seen)

    async def _profile(self, user_id: str, n_seen: int) -> UserProfile:
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
            raise Damaged(f"{shown_url(self._address.url)}: {damage}", rest=found)
        return found

    async def get_profiles(self, user_ids: Sequence[str], n_seen: int) -> dict[str, UserProfile]:
        """Return the same of many users, in one round trip but for those who saw the same again and again."""
        if n_seen < 1 or not user_ids:
            documents = await self.get_users(user_ids)
            return {user_id: UserProfile(documents.get(user_id), []) for user_id in user_ids}
        documents, sights = {}, dict[str, list[str]]()
        for part in await self._aggregate("users", profiles(user_ids, n_seen)):
            key = part["_id"]
            if isinstance(key, dict):
                sights[key["seen_of"]] = ids_of(part)
            else:
                documents[key] = user_of(part)
        return {
            user_id: UserProfile(
                documents.get(user_id), await self._distinct(user_id, n_seen, sights.get(user_id, []))
            )
            for user_id in user_ids
        }

    async def get_user(self, user_id: str) -> UserDocument | None:
        """Return the document, or None for an unknown user."""
        with translated_errors(self._address):
            document = await self._collection("users").find_one({"_id": user_id}, comment=request())
        return None if document is None else user_of(document)

    async def get_users(self, user_ids: Sequence[str]) -> dict[str, UserDocument]:
        """Return the documents of these; unknown users are left out."""
        if not user_ids:
            return {}
        with translated_errors(self._address):
            found = self._collection("users").find(
                {"_id": {"$in": list(user_ids)}}, batch_size=len(user_ids) + 1, comment=request()
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
        with translated_errors(self._address):
            cursor = await self._collection(name).aggregate(pipeline, comment=request())
            return await cursor.to_list()

    async def put_attributes(self, user_id: str, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes; creates the document for an unknown user."""
        change = {"$set": {"attributes": json_text(attributes)}}
        with translated_errors(self._address):
            await self._create_users()
            await self._collection("users").update_one(
                {"_id": user_id}, change, upsert=True, comment=request()
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

    async def find_users(self, prefix: str, limit: int, after: str = "") -> list[str]:
        """Return ids that start with `prefix` and come after `after`, in order of their bytes."""
        with translated_errors(self._address):
            found = self._collection("users").find(
                {"_id": {"$gte": prefix, "$gt": after}}, {"_id": 1}, sort=[("_id", 1)], limit=limit,
                batch_size=limit + 1, comment=request(),
            )  # fmt: skip
            # Ids with the prefix come first of all that are not before it.
            return [
                user_id
                for document in await found.to_list()
                if (user_id := document["_id"]).startswith(prefix)
            ]

    async def find_choosers(self, item_id: str, limit: int, after: str = "") -> Choosers:
        """Return users after `after` who have the item among their recent ones."""
        behind = {"_id": {"$gt": after}}
        with translated_errors(self._address):
            last = await self._collection("users").find_one(
                behind, {"_id": 1}, sort=[("_id", 1)], skip=MAX_LOOKED_AT - 1, comment=request()
            )
        documents = await self._aggregate("users", choosers(behind, item_id, limit + 1))
        page = documents[:limit]
        found = [chooser for document in page if (chooser := _chooser(document, item_id)) is not None]
        if len(documents) > limit:
            return Choosers(found, page[-1]["_id"])
        return Choosers(found, None if last is None else last["_id"])

    async def erase_user(self, user_id: str) -> bool:
        """Delete everything stored of a user; return whether there was anything."""
        with translated_errors(self._address):
            n_sights = await self._erase_sights(user_id)
            n_users = 0
            for name in ("users", CHALLENGER_USERS):
                deleted = await self._collection(name).delete_one({"_id": user_id}, comment=request())
                n_users += deleted.deleted_count
        return n_sights + n_users > 0

    async def _erase_sights(self, user_id: str) -> int:
        seen, comment = self._collection("seen"), request()
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
        with translated_errors(self._address):
            if self._salt is None:
                self._salt = await salt_in(self._collection(INSTALLATION))
            filter_, change = noted(digest_of(user_id, self._salt), mark, erased_at)
            erasures = self._collection(ERASURES).with_options(write_concern=MAJORITY)
            await erasures.update_one(filter_, change, upsert=True, comment=request())

    async def check(self) -> None:
        """Return when MongoDB answers, and lets us read."""
        with translated_errors(self._address):
            await self._collection("users").find_one({}, {"_id": 1}, comment=request())

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _chooser(document: Document, item_id: str) -> Chooser | None:
    try:
        return chooser_of(user_of(document).state, item_id)
    except Damaged:
        return None
