"""Ports of the servers: asynchronous, a request at a time."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from streamrec.domain.bars.bar import HeldBars
from streamrec.domain.generations.challenger import ChallengerStatus, ChallengerUser
from streamrec.domain.items.item import FoundItems, Item, ItemPage, ItemPosition, ItemVersions, VersionSum
from streamrec.domain.popularity.ranked_item import RankedItem
from streamrec.domain.ranking.published_blend import Blend
from streamrec.domain.similarity.neighbour import Neighbours
from streamrec.domain.status.point import Ring, StatusPoint
from streamrec.domain.status.report import TrainerReport
from streamrec.domain.users.choosers import Choosers
from streamrec.domain.users.user import UserDocument
from streamrec.ports.batch_lists import BatchListCatalog
from streamrec.ports.experiments import ExperimentCatalog
from streamrec.ports.logs import Mark
from streamrec.ports.steps import UserSteps
from streamrec.ports.tallies import ItemTallies

NO_VERSIONS: Mapping[str, int] = MappingProxyType({})
"""Nothing is known of the items' versions."""


class UserProfile(NamedTuple):
    """Data of a user that an answer needs; an unknown user has no document, but may have seen items."""

    document: UserDocument | None
    seen: list[str]
    cohorts: tuple[int, ...] | None = None  # tokens, where the document does not tell them by attributes


class UserStore(Protocol):
    """The document store's users as a server uses them."""

    async def get_profile(self, user_id: str, n_seen: int) -> UserProfile:
        """Return document and newest `n_seen` seen items, in the time of the slower of the two."""

    async def get_profiles(self, user_ids: Sequence[str], n_seen: int) -> dict[str, UserProfile]:
        """Return the same of up to 100 users, each with `get_profile`'s answer, in few round trips."""

    async def get_user(self, user_id: str) -> UserDocument | None:
        """Return the document, or None for an unknown user."""

    async def get_users(self, user_ids: Sequence[str]) -> dict[str, UserDocument]:
        """Return the documents of these, up to 2,000; unknown users are left out."""

    async def get_challenger_user(self, user_id: str) -> ChallengerUser | None:
        """Return the challenger's vector of a user as last published; None where there is none."""

    async def seen_items(self, user_id: str, limit: int) -> list[str]:
        """Return the newest `limit` items that this user has seen, newest first."""

    async def put_attributes(self, user_id: str, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes; creates the document of an unknown user."""

    async def find_users(self, prefix: str, limit: int, after: str = "") -> list[str]:
        """Return ids that start with `prefix` and come after `after`, in order of their bytes.

        There are more as long as `limit` are returned; a user who is there all the while is met once.
        """

    async def find_choosers(self, item_id: str, limit: int, after: str = "") -> Choosers:
        """Return up to `limit` users after `after` who have the item among their recent ones.

        `MAX_LOOKED_AT` users are looked at: for people who look something up, not for answers.
        """

    async def erase_user(self, user_id: str) -> bool:
        """Delete everything stored of a user; return whether there was anything."""

    async def note_erasure(self, user_id: str, mark: Mark, erased_at: float) -> None:
        """Write down, durably and for good, where in the log a user was erased.

        Parameters
        ----------
        erased_at
            Unix seconds.
        """


class ItemCatalog(Protocol):
    """Item metadata as a server uses it."""

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return what is known of these; unknown ids are left out."""

    async def find_items(self, text: str, limit: int, after: str = "") -> FoundItems:
        """Return items after `after` whose id begins with `text` or whose title has it, whatever the case.

        In order of the bytes of their ids. It may walk over all items: for people who look something up, not
        for answers.
        """

    async def get_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        """Return these as they are now, deleted ones included; never an older state than was acknowledged."""

    async def changed_items(self, after: ItemPosition, limit: int) -> ItemPage:
        """Return the next items by their versions, deleted ones included: those that changed last come last.

        Versions are about Unix milliseconds of the writers' clocks; what was written without one comes first.
        """

    async def sum_changed(self, first: int, last: int) -> VersionSum:
        """Sum up the items that have one of these versions, both included, deleted items among them."""

    async def put_items(self, items: Sequence[Item]) -> None:
        """Replace whole items; durable on return."""

    async def delete_item(self, item_id: str) -> bool:
        """Delete; return whether it was there."""


class DocumentStore(UserStore, ItemCatalog, ExperimentCatalog, BatchListCatalog, Protocol):
    """The whole document store as a server uses it."""

    async def check(self) -> None:
        """Return when the store answers."""

    async def aclose(self) -> None:
        """Release the connection."""


class Rankings(Protocol):
    """Rankings that the trainer publishes for everybody."""

    async def popular(self, name: str, limit: int) -> list[RankedItem]:
        """Return the head of a ranking, best first; empty when there is none of this name."""

    async def neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        """Return the neighbours of these, nearest first; items without any are left out."""

    async def blend(self) -> Blend | None:
        """Return the blend as last published; None when there is none, or one of another version."""


class HotCache(Rankings, ItemTallies, UserSteps, Protocol):
    """The hot cache as a server uses it."""

    async def check(self) -> None:
        """Return when the cache answers."""

    async def challenger(self) -> ChallengerStatus | None:
        """Return the challenger's state as last published; None when there is none that can be read."""

    async def counters(self) -> dict[str, float]:
        """Return the trainer's counters as last published."""

    async def report(self) -> TrainerReport | None:
        """Return the trainer's report as last published; None before the first."""

    async def points(self, ring: Ring, slots: Sequence[int]) -> list[StatusPoint]:
        """Return the points that stand at some slots of a ring, the oldest first."""

    async def history(self, item_id: str) -> HeldBars | None:
        """Return an item's minutes as last published; None for an item without any."""

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata; what is not cached is left out."""

    async def last_known(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata, of hidden items also what is too old: for when the store is away."""

    async def put_items(self, items: Sequence[Item], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Cache metadata, unless a newer version is known of an item.

        Parameters
        ----------
        versions
            By id; 0 where there is none.
        """

    async def drop_items(self, item_ids: Sequence[str], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Forget cached metadata after a change, unless it is of a newer version than that.

        Of an item with a version, no older one is cached for a while.
        """

    async def aclose(self) -> None:
        """Release the connection."""
