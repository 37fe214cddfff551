"""Retention of what users saw in a MongoDB store: as in SQLite, by other commands."""

from pymongo import MongoClient

from streamrec.adapters.mongo.connection import TRAINER_TIMEOUT_S, Document, MongoAddress, translated_errors
from streamrec.adapters.mongo.documents import all_seen_of

_USERS_AT_ONCE = 100
"""Looked at in one call: each costs a walk over the index of what is kept of it, some milliseconds."""


class MongoSeenRetention:
    """Removes the oldest seen items of users who saw very many, some users a call, one after the other.

    Parameters
    ----------
    n_kept
        Sights kept of a user; an item that was seen again has one for each time.
    """

    def __init__(self, address: MongoAddress, n_kept: int) -> None:
        self._address = address
        self._n_kept = n_kept
        with translated_errors(address):
            self._client: MongoClient[Document] = MongoClient(
                address.url, connect=False, **address.options(TRAINER_TIMEOUT_S)
            )
            self._database = self._client[address.database]
        self._last = ""

    def prune(self) -> int:
        """Look at the next users; return the number of sights removed.

        Raises
        ------
        Unavailable
            When MongoDB does not answer.
        """
        many = {"_id": {"$gt": self._last}, "n_events": {"$gt": self._n_kept}}
        with translated_errors(self._address):
            found = self._database["users"].find(many, {"_id": 1}, sort=[("_id", 1)], limit=_USERS_AT_ONCE)
            user_ids = [user["_id"] for user in found]
            n_removed = sum(self._prune_user(user_id) for user_id in user_ids)
        self._last = user_ids[-1] if len(user_ids) == _USERS_AT_ONCE else ""
        return n_removed

    def _prune_user(self, user_id: str) -> int:
        seen = self._database["seen"]
        newest_first = seen.find(all_seen_of(user_id), {"_id": 1}, sort=[("_id", -1)])
        boundary = next(iter(newest_first.skip(self._n_kept - 1).limit(1)), None)
        if boundary is None:
            return 0
        of_user = all_seen_of(user_id)["_id"]["$gte"]
        return seen.delete_many({"_id": {"$gte": of_user, "$lt": boundary["_id"]}}).deleted_count

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
