"""Leases in MongoDB: one atomic update each."""

from typing import TypeGuard

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from streamrec.adapters.mongo.connection import MAJORITY, MAJORITY_READ, Document
from streamrec.errors import LeaseLost
from streamrec.ports import LONGEST_LEASE_S, MAX_TOKEN, Lease


class MongoLeases:
    """The leases of a database. Errors are the driver's; the store translates them."""

    def __init__(self, database: Database[Document]) -> None:
        # Whatever the URL says of other writes: two holders at a time would be the end of all order.
        self._leases = database.get_collection("leases", write_concern=MAJORITY, read_concern=MAJORITY_READ)

    def acquire(self, name: str, owner: str, duration_s: float, now: float) -> Lease | None:
        """Take or renew the lease; None while somebody else holds it.

        A token is at least the time in seconds. So tokens still grow when the collection was lost, and are
        larger than those in user documents and checkpoints that outlived it.
        """
        # What nobody can have written is as good as no lease: it must not keep all trainers waiting.
        is_sound = {
            "$and": [
                {"$in": [{"$type": "$token"}, ["int", "long", "double"]]},
                {"$gte": ["$token", 0]},
                {"$lt": ["$token", MAX_TOKEN]},
            ]
        }
        ours = {"$and": [{"$eq": ["$owner", {"$literal": owner}]}, is_sound]}
        token = {"$cond": [is_sound, {"$toLong": "$token"}, 0]}
        # Larger than those of other leases: a generation goes on under another role's, and its token grows.
        largest = self._leases.find_one({"token": {"$gte": 0, "$lt": MAX_TOKEN}}, sort=[("token", -1)])
        least = max(int(now), 0 if largest is None else int(largest["token"]) + 1)
        next_token = {"$max": [{"$add": [token, 1]}, least]}
        is_held = {"$gt": now, "$lt": now + LONGEST_LEASE_S}
        free = [
            {"owner": {"$in": [owner, None]}},
            {"expires_at": {"$not": is_held}},
            {"token": {"$not": {"$gte": 0, "$lt": MAX_TOKEN}}},
        ]
        try:
            taken = self._leases.find_one_and_update(
                {"_id": name, "$or": free},
                [
                    {
                        "$set": {
                            "token": {"$cond": [ours, "$token", next_token]},
                            "owner": {"$literal": owner},
                            "expires_at": now + duration_s,
                        }
                    }
                ],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            # The document exists and does not fit the filter: it is somebody else's.
            return None
        # Of the driver's own type of integers nothing that writes JSON knows.
        return None if taken is None else Lease(name, owner, int(taken["token"]), taken["expires_at"])

    def held(self, name: str) -> Lease | None:
        """Return the lease as it was last given out; None when nobody has it, or it can't be read."""
        found = self._leases.find_one({"_id": name}) or {}
        owner, token, expires_at = found.get("owner"), found.get("token"), found.get("expires_at")
        if not (isinstance(owner, str) and _is_token(token) and isinstance(expires_at, int | float)):
            return None
        return Lease(name, owner, int(token), float(expires_at))

    def release(self, lease: Lease) -> None:
        """Give it up. The document stays: the next holder's token must be larger."""
        self._leases.update_one(
            {"_id": lease.name, "owner": lease.owner, "token": lease.token}, {"$set": {"owner": None}}
        )

    def check(self, lease: Lease) -> None:
        """Return unless a larger token has been given out.

        Raises
        ------
        LeaseLost
            When one has.
        """
        held = self._leases.find_one({"_id": lease.name}, {"token": 1})
        if held is not None and _is_token(held.get("token")) and held["token"] > lease.token:
            raise LeaseLost(
                f"lease {lease.name!r} has gone to another trainer (token {held['token']} > {lease.token})"
            )


def _is_token(written: object) -> TypeGuard[float]:
    return isinstance(written, int | float) and 0 <= written < MAX_TOKEN
