"""A seeded stream of any size in bounded memory, with the traits of real ones.

Each trait is a law that a test checks:

* tastes drift: a user stands on a ring of item clusters, chooses mostly from the clusters around, and walks
  along the ring, slowly and at a pace of one's own;
* popularity follows a power law: within a cluster, the item of rank r is chosen with weight ~ r^-s
  (Zipf), and users differ in activity in the same way;
* new items and new users come all the time, evenly over the stream, and new items get attention;
* most events are views (value: seconds), some purchases (value: price), a few dislikes, which fall on items
  away from the user's taste.

Events are drawn in chunks of fixed size, each from a random generator of its own (seed, chunk), so the
stream does not depend on how it is read, and any part of it can be drawn alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.item import Item
from streamrec.errors import InvalidDataset

CHUNK = 65_536  # events; fixed, because the drawn numbers depend on it

EVENT_TYPES = ("view", "purchase", "dislike")
_TYPE_SHARES = (0.88, 0.10, 0.02)
_DISLIKE = 2

_SHARE_AT_START = 0.2  # of users and items; the others come later
_FRESH_SHARE = 0.15  # of events that go to the newest items of the cluster
_TASTE_WIDTH = 0.7  # clusters, standard deviation around where the user stands
_USER_EXPONENT = 0.6


@dataclass(frozen=True, eq=False)
class EventBlock:
    """B events in order of time.

    Attributes
    ----------
    first
        Position of the first one in the stream.
    users, items
        (B,) int64 numbers; `user_name` and `item_name` make ids of them.
    timestamps
        (B,) float64 Unix seconds, never falling.
    types
        (B,) int8, positions in `EVENT_TYPES`.
    values
        (B,) float64 seconds viewed or price; NaN for a dislike.
    """

    first: int
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    timestamps: NDArray[np.float64]
    types: NDArray[np.int8]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        """Return B."""
        return len(self.users)

    def rows(self, start: int, stop: int) -> "EventBlock":
        """Return a part of the block."""
        part = slice(start, stop)
        return EventBlock(
            self.first + start,
            users=self.users[part],
            items=self.items[part],
            timestamps=self.timestamps[part],
            types=self.types[part],
            values=self.values[part],
        )


def user_name(user: int) -> str:
    """Return a user's id."""
    return f"u{user}"


def item_name(item: int) -> str:
    """Return an item's id."""
    return f"i{item}"


class Tastes(NamedTuple):
    """Start of each user on the ring and length of its walk: (n_users,) float32, in clusters."""

    origin: NDArray[np.float32]
    walk: NDArray[np.float32]


@dataclass(frozen=True)
class SyntheticStream:
    """Stream to be drawn.

    Attributes
    ----------
    n_events, n_users, n_items
        Sizes. Each user and item has come by the end; whether it has an event is up to chance.
    seed
        Equal seeds and sizes give equal streams.
    n_clusters
        Item j belongs to cluster j modulo `n_clusters`.
    item_exponent
        s of the popularity's power law; 0 is uniform.
    drift
        Standard deviation of how far users walk from the first event to the last, in clusters.
    start, duration_s
        Unix seconds of the first event, and how long the stream lasts.
    """

    n_events: int
    n_users: int
    n_items: int
    seed: int = 42
    n_clusters: int = 20
    item_exponent: float = 0.9
    drift: float = 3.0
    start: float = 1_700_000_000.0
    duration_s: float = 30 * 86_400.0

    def __post_init__(self) -> None:
        if min(self.n_events, self.n_users, self.n_items, self.n_clusters) < 1 or self.duration_s <= 0:
            raise InvalidDataset("a synthetic stream needs at least one event, user, item and cluster")
        if self.item_exponent == 1:
            raise InvalidDataset("item_exponent: 1 is the one value that the sampling can't take; use 1.001")

    def blocks(self, block_size: int = CHUNK) -> Iterator[EventBlock]:
        """Yield the stream in blocks of `block_size` (the last one of a chunk may be smaller).

        Memory: one chunk, and 8 bytes a user.
        """
        tastes = self._tastes()
        for chunk in range(-(-self.n_events // CHUNK)):
            drawn = self._draw_chunk(chunk, tastes)
            for start in range(0, len(drawn), block_size):
                yield drawn.rows(start, start + block_size)

    def items(self) -> Iterator[Item]:
        """Yield every item's metadata, also of those that come late."""
        for item in range(self.n_items):
            cluster = f"cluster-{item % self.n_clusters}"
            title = f"Item {item // self.n_clusters} of {cluster}"
            yield Item(item_name(item), "synthetic", title, categories=(cluster,))

    def n_arrived(self, total: int, position: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of `total` users or items have come before the event at each (B,) position."""
        share = _SHARE_AT_START + (1 - _SHARE_AT_START) * position / self.n_events
        return np.minimum(np.ceil(total * share).astype(np.int64), total)

    def _tastes(self) -> Tastes:
        rng = np.random.default_rng([self.seed, 0])
        origin = rng.random(self.n_users, np.float32) * np.float32(self.n_clusters)
        return Tastes(origin, rng.standard_normal(self.n_users, np.float32) * np.float32(self.drift))

    def _draw_chunk(self, chunk: int, tastes: Tastes) -> EventBlock:
        rng = np.random.default_rng([self.seed, 1 + chunk])
        first = chunk * CHUNK
        # A whole chunk is always drawn, then cut: the last one must not depend on where it ends.
        position = np.arange(first, first + CHUNK, dtype=np.int64)
        users = _zipf(rng, self.n_arrived(self.n_users, position), _USER_EXPONENT)
        types = rng.choice(len(EVENT_TYPES), CHUNK, p=_TYPE_SHARES).astype(np.int8)
        taste = tastes.origin[users] + tastes.walk[users] * (position / self.n_events)
        taste += rng.normal(0.0, _TASTE_WIDTH, CHUNK) + (types == _DISLIKE) * (self.n_clusters / 2)
        items = self._choose_items(rng, position, np.floor(taste).astype(np.int64) % self.n_clusters)
        step_s = self.duration_s / self.n_events
        timestamps = self.start + (first + np.sort(rng.random(CHUNK)) * CHUNK) * step_s
        values = np.round(rng.lognormal(3.0, 1.0, CHUNK), 2)
        values[types == _DISLIKE] = np.nan
        block = EventBlock(
            first, users=users, items=items, timestamps=np.round(timestamps, 3), types=types, values=values
        )
        return block.rows(0, min(CHUNK, self.n_events - first))

    def _choose_items(
        self, rng: np.random.Generator, position: NDArray[np.int64], clusters: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return (B,) items of the (B,) clusters, among those that have come by each (B,) position."""
        n_items = self.n_arrived(self.n_items, position)
        clusters = np.where(clusters < n_items, clusters, clusters % n_items)  # while some are still empty
        n_in_cluster = (n_items - clusters - 1) // self.n_clusters + 1
        rank = _zipf(rng, n_in_cluster, self.item_exponent)
        # Old items are the popular ones, as they are where the rich get richer; the newest have their moment.
        is_fresh = rng.random(len(position)) < _FRESH_SHARE
        rank = np.where(is_fresh, n_in_cluster - 1 - rank, rank)
        return clusters + self.n_clusters * rank


def _zipf(rng: np.random.Generator, n: NDArray[np.int64], exponent: float) -> NDArray[np.int64]:
    """Draw (B,) ranks in [0, n) with density ~ (rank + 1)^-exponent, by inverting the integral of it."""
    power = 1.0 - exponent
    u = rng.random(len(n))
    rank = (u * ((n + 1.0) ** power - 1.0) + 1.0) ** (1.0 / power) - 1.0
    return np.minimum(rank.astype(np.int64), n - 1)
