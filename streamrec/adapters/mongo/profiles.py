"""Pipelines that read users: together with what they saw, and those who chose an item."""

from collections.abc import Sequence

from streamrec.adapters.mongo.connection import Document
from streamrec.adapters.mongo.documents import newest_sights
from streamrec.domain.users.choosers import MAX_LOOKED_AT


def profile(user_id: str, n_seen: int) -> list[Document]:
    """Return a pipeline over users that yields the user's document and that of `newest_sights`, if any."""
    sights = {"coll": "seen", "pipeline": newest_sights(user_id, n_seen)}
    return [{"$match": {"_id": user_id}}, {"$unionWith": sights}]


def profiles(user_ids: Sequence[str], n_seen: int) -> list[Document]:
    """Return a pipeline over users that yields the documents of these, and what each saw, `{seen_of: id}`."""
    sights = [
        {
            "coll": "seen",
            "pipeline": [
                *newest_sights(user_id, n_seen),
                {"$set": {"_id": {"seen_of": {"$literal": user_id}}}},
            ],
        }
        for user_id in user_ids
    ]
    return [{"$match": {"_id": {"$in": list(user_ids)}}}, *({"$unionWith": one} for one in sights)]


def choosers(behind: Document, item_id: str, limit: int) -> list[Document]:
    """Return a pipeline over users that yields who of the next `MAX_LOOKED_AT` chose the item lately."""
    looked_at: list[Document] = [{"$match": behind}, {"$sort": {"_id": 1}}, {"$limit": MAX_LOOKED_AT}]
    return [*looked_at, {"$match": {"recent": item_id}}, {"$limit": limit}]
