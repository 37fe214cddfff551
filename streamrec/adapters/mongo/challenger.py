"""Challenger's vectors of users in MongoDB: ``{_id: user_id, generation, vector, aging, token}``."""

from collections.abc import Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from streamrec.adapters.mongo.catalog import MongoCatalog, request
from streamrec.adapters.mongo.connection import DUPLICATE_KEY, Document, codes_of, translated_errors
from streamrec.adapters.mongo.documents import chunks
from streamrec.adapters.mongo.leases import MongoLeases
from streamrec.domain.generations.challenger import ChallengerUser, user_in
from streamrec.errors import LeaseLost
from streamrec.ports import Lease

CHALLENGER_USERS = "challenger_users"


class MongoChallengerUsers(MongoCatalog):
    """Reader of the vectors, for a server."""

    async def get_challenger_user(self, user_id: str) -> ChallengerUser | None:
        """Return the challenger's vector of a user as last published; None where there is none."""
        with translated_errors(self._address):
            found = await self._collection(CHALLENGER_USERS).find_one({"_id": user_id}, comment=request())
        if found is None:
            return None
        names = ("generation", "vector", "aging")
        return user_in({"user_id": user_id} | {name: found[name] for name in names if name in found})


class KeptChallengerUsers:
    """The vectors, for the challenger's trainer. Errors are the driver's, but `LeaseLost`."""

    def __init__(self, database: Database[Document], leases: MongoLeases) -> None:
        self._users = database[CHALLENGER_USERS]
        self._leases = leases

    def replace(self, users: Sequence[ChallengerUser], gone: Sequence[str], lease: Lease) -> None:
        """Delete the vectors of users who are gone, then replace those of others.

        A later holder's documents carry its token and are left alone. Of what a writer wrote too late,
        because it stood still between the look at its lease and the write, nothing is left.
        """
        self._leases.check(lease)
        not_newer: dict[str, Any] = {"token": {"$not": {"$gt": lease.token}}}
        for some in chunks(gone):
            self._users.delete_many({"_id": {"$in": some}} | not_newer)
        # A bulk is not ordered, so of a user only the last vector may be in it.
        newest = {user.user_id: user for user in users}
        for chunk in chunks(newest.values()):
            self._put([_upsert(user, not_newer, lease) for user in chunk], lease)
        try:
            self._leases.check(lease)
        except LeaseLost:
            for some in chunks(newest):
                self._users.delete_many({"_id": {"$in": some}, "token": lease.token})
            raise

    def _put(self, upserts: list[UpdateOne], lease: Lease) -> None:
        try:
            self._users.bulk_write(upserts, ordered=False)
        except BulkWriteError as error:
            if DUPLICATE_KEY not in codes_of(error):
                raise
            raise LeaseLost(f"a later holder of {lease.name!r} has written the challenger's users") from error


def _upsert(user: ChallengerUser, not_newer: Document, lease: Lease) -> UpdateOne:
    fields = {"generation": user.generation, "vector": user.vector, "aging": user.aging, "token": lease.token}
    return UpdateOne({"_id": user.user_id} | not_newer, {"$set": fields}, upsert=True)
