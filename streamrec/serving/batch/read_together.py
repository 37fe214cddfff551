"""Readers that read for many lists at once what each would read for itself."""

from collections.abc import Sequence

from streamrec.domain.items.item import Item
from streamrec.errors import StreamrecError
from streamrec.ports import UserProfile, UserStore
from streamrec.serving.guard import Answered, Guard
from streamrec.serving.recommender import Profiles
from streamrec.serving.sources.joint_reads import JointReads
from streamrec.serving.sources.metadata import Metadata


class UsersTogether:
    """Profiles of users that were read together; who was not is read alone.

    Parameters
    ----------
    alone
        Reads one user; so it goes, too, when the many can't be read: what is damaged costs itself alone.
    n_seen
        Newest seen items that are read.
    """

    def __init__(self, store: UserStore, guard: Guard, n_seen: int, alone: Profiles) -> None:
        self._store = store
        self._guard = guard
        self._n_seen = n_seen
        self._alone = alone
        self._read: dict[str, UserProfile] = {}

    async def read(self, user_ids: Sequence[str], *, with_seen: bool) -> None:
        """Read these, in place of those that were read before."""
        self._read = {}
        n_seen = self._n_seen if with_seen else 0
        try:
            self._read = await self._guard.call(lambda: self._store.get_profiles(user_ids, n_seen))
        except StreamrecError:
            return

    async def profile(self, user_id: str, *, with_seen: bool) -> Answered[UserProfile]:
        """Return what is known of a user."""
        known = self._read.get(user_id)
        return (
            Answered(known) if known is not None else await self._alone.profile(user_id, with_seen=with_seen)
        )


class ItemsTogether:
    """Metadata that is wanted in one turn of the event loop, read at once."""

    def __init__(self, items: Metadata) -> None:
        self._joint = JointReads[str, Answered[dict[str, Item]]](items.read, n_turns=1)

    async def read(self, item_ids: Sequence[str]) -> Answered[dict[str, Item]]:
        """Return what is known of these."""
        found, failed = await self._joint.of(item_ids)
        return Answered({item_id: found[item_id] for item_id in item_ids if item_id in found}, failed)
