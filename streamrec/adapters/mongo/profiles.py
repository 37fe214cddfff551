"""Pipelines that read users: together with what they saw, and those who chose an item."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from streamrec.adapters.mongo.connection import Document
from streamrec.adapters.mongo.documents import newest_sights
from streamrec.domain.users.choosers import MAX_LOOKED_AT
from streamrec.errors import Damaged
from streamrec.ports import UserProfile
from streamrec.serving.sources.joint_reads import JointReads

_One = Callable[[str, int], Awaitable[UserProfile]]
_Many = Callable[[Sequence[str], int], Awaitable[dict[str, UserProfile]]]


class JointProfiles:
    """Profiles of users who ask in one turn of the event loop, read together.

    Parameters
    ----------
    one, many
        Read the profile of one user, and of several, with so many seen items.
    """

    def __init__(self, one: _One, many: _Many) -> None:
        self._one = one
        self._many = many
        self._reads: dict[int, JointReads[str, dict[str, UserProfile]]] = {}

    async def of(self, user_id: str, n_seen: int) -> UserProfile:
        """Return the profile of a user with up to `n_seen` seen items."""
        joint = self._reads.get(n_seen)
        if joint is None:
            joint = JointReads(partial(self._read, n_seen=n_seen))
            self._reads = {n_seen: joint}  # who waits for another number keeps hold of it
        try:
            return (await joint.of([user_id]))[user_id]
        except Damaged:
            # It may be another's: what is damaged costs itself alone.
            return await self._one(user_id, n_seen)

    async def _read(self, user_ids: list[str], n_seen: int) -> dict[str, UserProfile]:
        if len(user_ids) > 1:
            return await self._many(user_ids, n_seen)
        return {user_ids[0]: await self._one(user_ids[0], n_seen)}


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
