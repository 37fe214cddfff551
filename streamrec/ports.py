"""What streamrec needs of the outside world, as Protocols.

Two families: the trainer and the tools call synchronous ports, in bulk; the servers call asynchronous ones,
a request at a time. Every method may raise `Unavailable`. One contract suite a port, in `tests/contract`,
runs against every adapter.

An offset is the place of a record in its partition; a *next offset* is the place to go on from
(the last offset read, plus one). `Offsets` maps topic -> partition -> next offset.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.item import Item
from streamrec.domain.user import UserDocument, UserState

INTERACTIONS = "interactions"
REJECTED = "interactions.rejected"
COMMANDS = "commands"
IMPRESSIONS = "impressions"
ITEM_VECTORS = "item-vectors"
USER_VECTORS = "user-vectors"
PROBES = "probes"

COMPACTED_TOPICS = frozenset({REJECTED, ITEM_VECTORS, USER_VECTORS, PROBES})
"""Topics of which only the last value of a key counts; an adapter may drop the older ones."""

Offsets = dict[str, dict[int, int]]


class Message(NamedTuple):
    """A record on its way into a log. `value` None is a tombstone."""

    key: str
    value: bytes | None


class Record(NamedTuple):
    """A record read from a log. `timestamp` is the log's append time in Unix seconds."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    timestamp: float


class EventSource(Protocol):
    """Reads one or more topics, all their partitions, in order within a partition."""

    def seek(self, next_offsets: Offsets) -> None:
        """Go on from these places; topics and partitions not named start at their beginning.

        Raises
        ------
        LogTruncated
            When a log ends before the offset asked for.
        """

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return up to `max_records`, as soon as there is one; empty after `timeout_s` without any."""

    def next_offsets(self) -> Offsets:
        """Return where the next poll goes on from."""

    def end_offsets(self) -> Offsets:
        """Return the next offset that each log will give out: lag is the difference."""

    def commit(self, next_offsets: Offsets) -> None:
        """Store the group's progress, for the usual lag tools to see. Not what a restart reads."""

    def committed(self) -> Offsets:
        """Return what was last committed for the group."""

    def close(self) -> None:
        """Release the connection."""


class EventSink(Protocol):
    """Appends to topics."""

    def append(self, topic: str, messages: Sequence[Message]) -> None:
        """Append in order and return once all are durable; all or nothing where the log can do that.

        Raises
        ------
        Overloaded
            When the log takes no more for now.
        """

    def close(self) -> None:
        """Release the connection."""


class VectorTable(NamedTuple):
    """Ids and their vectors, row by row; `vectors` is (N, D + 1) float32."""

    ids: Sequence[str]
    vectors: NDArray[np.float32]


class Snapshot(NamedTuple):
    """All vectors of a generation at one moment; a reader of the changelog goes on at `next_offsets`.

    `created_at` is in Unix seconds; `provenance` says what the vectors were made of.
    """

    generation: str
    items: VectorTable
    users: VectorTable
    next_offsets: Offsets
    created_at: float
    provenance: Mapping[str, Any]


class Lease(NamedTuple):
    """The right to write, until `expires_at` (Unix seconds). A later holder's `token` is larger."""

    name: str
    owner: str
    token: int
    expires_at: float


class LeaseStore(Protocol):
    """One holder at a time, with a fencing token that grows by each change of holder."""

    def acquire(self, name: str, owner: str, duration_s: float, now: float) -> Lease | None:
        """Take or renew the lease; None while somebody else holds it."""

    def release(self, lease: Lease) -> None:
        """Give it up; without effect when it is no longer ours."""


class UserUpdates(NamedTuple):
    """What one publication changes: absolute states and set memberships, so that repeating it is harmless.

    `seen` holds (user_id, item_id, Unix seconds).
    """

    states: Sequence[UserState]
    seen: Sequence[tuple[str, str, float]]


class TrainerStore(LeaseStore, Protocol):
    """The document store as the trainer uses it."""

    def publish_users(self, updates: UserUpdates, lease: Lease) -> None:
        """Upsert states and add to the seen sets.

        Raises
        ------
        LeaseLost
            When a larger token than the lease's has been given out; nothing is written then.
        """

    def forget_users(self, user_ids: Sequence[str], lease: Lease) -> None:
        """Delete states and seen sets (not the attributes, which the services own)."""

    def read_items(self, item_ids: Sequence[str] | None = None) -> Iterable[Item]:
        """Yield metadata of these items, or of all."""

    def close(self) -> None:
        """Release the connection."""


class RankedItem(NamedTuple):
    """An item and its score; higher is better."""

    item_id: str
    score: float


class CachePublisher(Protocol):
    """The hot cache as the trainer uses it. Losing what is in it loses nothing."""

    def publish_popular(self, rankings: Mapping[str, Sequence[RankedItem]]) -> None:
        """Replace whole rankings, each at once. A name is ``window`` or ``window:category``."""

    def publish_counters(self, counters: Mapping[str, float]) -> None:
        """Replace the trainer's counters, for anyone to look at."""

    def close(self) -> None:
        """Release the connection."""


class UserProfile(NamedTuple):
    """What an answer needs of a user; a stranger has no document and may have seen items all the same."""

    document: UserDocument | None
    seen: list[str]


class UserStore(Protocol):
    """The document store's users as a server uses them."""

    async def get_profile(self, user_id: str, n_seen: int) -> UserProfile:
        """Return document and newest `n_seen` seen items, in the time of the slower of the two."""

    async def get_user(self, user_id: str) -> UserDocument | None:
        """Return the document, or None for a stranger."""

    async def seen_items(self, user_id: str, limit: int) -> list[str]:
        """Return the newest `limit` items that this user has seen, newest first."""

    async def put_attributes(self, user_id: str, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes; creates the document for a stranger."""

    async def find_users(self, prefix: str, limit: int) -> list[str]:
        """Return ids that start with `prefix`, in order of their bytes."""

    async def erase_user(self, user_id: str) -> bool:
        """Delete everything stored of a user; return whether there was anything."""


class ItemCatalog(Protocol):
    """Item metadata as a server uses it."""

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return what is known of these; unknown ids are left out."""

    async def put_items(self, items: Sequence[Item]) -> None:
        """Replace whole items; durable on return."""

    async def delete_item(self, item_id: str) -> bool:
        """Delete; return whether it was there."""


class DocumentStore(UserStore, ItemCatalog, Protocol):
    """The whole document store as a server uses it."""

    async def aclose(self) -> None:
        """Release the connection."""


class HotCache(Protocol):
    """The hot cache as a server uses it."""

    async def popular(self, name: str, limit: int) -> list[RankedItem]:
        """Return the head of a ranking, best first; empty when there is none of this name."""

    async def counters(self) -> dict[str, float]:
        """Return the trainer's counters as last published."""

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata; what is not cached is left out."""

    async def put_items(self, items: Sequence[Item]) -> None:
        """Cache metadata."""

    async def drop_items(self, item_ids: Sequence[str]) -> None:
        """Forget cached metadata after a change."""

    async def aclose(self) -> None:
        """Release the connection."""


class IndexQuery(NamedTuple):
    """One search. Exactly one of `vector` ((D + 1,) float32 bytes) and `item_id` is given."""

    k: int
    vector: bytes | None = None
    item_id: str | None = None
    exclude: Sequence[str] = ()
    generation: str | None = None


class IndexAnswer(NamedTuple):
    """Items best first. `is_missing`: the `item_id` or generation asked for is not in the index."""

    generation: str
    items: list[RankedItem]
    is_missing: bool = False


class ItemIndex(Protocol):
    """The index as a server uses it."""

    async def search(self, query: IndexQuery) -> IndexAnswer:
        """Return up to `k` items by inner product, without the excluded ones and without `item_id` itself."""


class Metrics(Protocol):
    """Fire and forget: never raises, never waits."""

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter."""

    def gauge(self, name: str, value: float) -> None:
        """Set a gauge."""

    def timing(self, name: str, duration_ms: float) -> None:
        """Record one duration."""
