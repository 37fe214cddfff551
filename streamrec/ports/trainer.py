"""Ports of the trainer and the tools: synchronous, in bulk."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.bars.bar import BarsUpdate
from streamrec.domain.events.erasure import Erasure
from streamrec.domain.generations.challenger import ChallengerStatus, ChallengerUser
from streamrec.domain.generations.roles import Promotion, Roles
from streamrec.domain.items.item import Item, ItemVersions
from streamrec.domain.popularity.ranked_item import RankedItem
from streamrec.domain.ranking.published_blend import Blend
from streamrec.domain.similarity.neighbour import Neighbours
from streamrec.domain.status.point import StatusPoint
from streamrec.domain.status.report import TrainerReport
from streamrec.domain.users.user import UserState
from streamrec.ports.experiments import ExperimentStore
from streamrec.ports.item_index import IndexAnswer, ItemQuery
from streamrec.ports.leases import Lease, LeaseStore
from streamrec.ports.logs import Offsets


class VectorTable(NamedTuple):
    """Ids and their vectors, row by row; `vectors` is (N, D + 1) float32."""

    ids: Sequence[str]
    vectors: NDArray[np.float32]


class Snapshot(NamedTuple):
    """All vectors of a generation at one moment; a reader of the changelog goes on at `next_offsets`.

    `created_at` is in Unix seconds; `provenance` says what the vectors were made of. `similarity_vectors` are
    those that similar users are found by, (U, D + 1) in the order of `users`; None in a snapshot from before
    it was known.
    """

    generation: str
    items: VectorTable
    users: VectorTable
    next_offsets: Offsets
    created_at: float
    provenance: Mapping[str, Any]
    similarity_vectors: NDArray[np.float32] | None = None


class ErasureStore(Protocol):
    """The document store's record of erasures."""

    def erasure_salt(self) -> bytes:
        """Return what digests of user ids are made with; made at the first use, the same ever after."""

    def read_erasures(self, digests: Sequence[bytes] | None = None) -> list[Erasure]:
        """Return the erasures of these users, or all; one for each log that a user was erased in."""

    def limit_erasures(self, log: str, ends: Mapping[int, int]) -> None:
        """Let no erasure stand behind the end of a log that was cut: it will give those offsets again.

        Parameters
        ----------
        ends
            Next offset by partition.
        """


class UserUpdates(NamedTuple):
    """Changes of one publication: absolute states and set memberships, so that repeating it is harmless.

    Attributes
    ----------
    seen
        (user_id, item_id, Unix seconds).
    unseen
        (user_id, item_id) whose earlier sights are removed, before those of `seen` are added.
    """

    states: Sequence[UserState]
    seen: Sequence[tuple[str, str, float]]
    unseen: Sequence[tuple[str, str]] = ()


class KeeperStore(LeaseStore, ErasureStore, Protocol):
    """The document store as every process that follows the stream uses it."""


class AttributionStore(KeeperStore, ExperimentStore, Protocol):
    """The document store as the attribution uses it."""


class TrainerStore(KeeperStore, ExperimentStore, Protocol):
    """The document store as the trainer uses it."""

    def publish_users(self, updates: UserUpdates, lease: Lease) -> None:
        """Upsert states, take out of the seen sets and add to them.

        Raises
        ------
        LeaseLost
            When a larger token than the lease's has been given out; nothing is written then.
        """

    def forget_users(self, user_ids: Sequence[str], lease: Lease) -> None:
        """Delete states and seen sets (not the attributes, which the services own)."""

    def publish_challenger(self, users: Sequence[ChallengerUser], gone: Sequence[str], lease: Lease) -> None:
        """Delete the challenger's vectors of users who are gone, then replace those of others.

        Raises
        ------
        LeaseLost
            When a larger token than the lease's has been given out; nothing is left written then.
        """

    def read_attributes(self, user_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the attributes of up to 10,000 users as they are now; those without any are left out."""

    def read_items(self, item_ids: Sequence[str] | None = None) -> Iterable[Item]:
        """Yield metadata of these items, or of all; deleted ones are left out."""

    def read_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        """Return these as they are now, deleted ones included."""

    def close(self) -> None:
        """Release the connection."""


class CachePublisher(Protocol):
    """The hot cache as the trainer uses it. Losing what is in it loses nothing."""

    def write_under(self, lease: Callable[[], Lease]) -> None:
        """Let each write from now on be that of a lease's holder.

        `lease` returns the one in hand, or raises `LeaseLost`; so does a write after a later holder's.
        """

    def publish_popular(self, rankings: Mapping[str, Sequence[RankedItem]]) -> None:
        """Replace whole rankings, each at once; an empty one is removed.

        A name is ``window`` or ``window:category``.
        """

    def drop_popular_but(self, names: Collection[str]) -> None:
        """Remove all rankings of other names, whoever published them."""

    def publish_neighbours(self, neighbours: Mapping[str, Neighbours]) -> None:
        """Replace the neighbours of some items, nearest first; an item without any loses those it had."""

    def drop_neighbours_but(self, item_ids: Collection[str]) -> None:
        """Remove the neighbours of all other items, whoever published them."""

    def publish_items(self, items: Sequence[Item], versions: Mapping[str, int]) -> None:
        """Cache hidden items, and forget others that changed, unless newer versions are known there."""

    def publish_blend(self, blend: Blend) -> None:
        """Replace the learned blend of the sources."""

    def publish_challenger(self, status: ChallengerStatus) -> None:
        """Replace the state of the challenger."""

    def publish_counters(self, counters: Mapping[str, float]) -> None:
        """Replace the trainer's counters, for anyone to look at."""

    def publish_report(self, report: TrainerReport, points: Sequence[StatusPoint]) -> None:
        """Replace the trainer's report, and put points of its figures where their rings have them."""

    def publish_bars(self, update: BarsUpdate) -> None:
        """Remove the bars of some items, then replace minutes of others."""

    def close(self) -> None:
        """Release the connection."""


class IndexLookup(Protocol):
    """The index as the trainer uses it: to see what users would get."""

    def search(self, query: ItemQuery) -> IndexAnswer:
        """Return up to `k` items by inner product, without the excluded ones."""

    def close(self) -> None:
        """Release the connection."""


class RoleRecord(Protocol):
    """Record of the generations that are champion and challenger.

    A writer shows its lease, and gets `LeaseLost` when a later holder of it has written or claimed.
    """

    def read(self) -> Roles:
        """Return the roles as they are now."""

    def claim(self, lease: Lease) -> None:
        """Let no earlier holder of this lease write from now on."""

    def begin(self, promotion: Promotion, lease: Lease) -> None:
        """Write down that two generations exchange their roles; their trainers follow from now on."""

    def complete(self, promotion: Promotion, lease: Lease) -> None:
        """Make the new champion the live generation, and the old one the challenger."""


class Metrics(Protocol):
    """Fire and forget: never raises, never waits."""

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter."""

    def gauge(self, name: str, value: float) -> None:
        """Set a gauge."""

    def timing(self, name: str, duration_ms: float) -> None:
        """Record one duration."""
