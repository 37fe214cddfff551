"""Streams that are hard on a learner: any popularity, weights and batches, with tastes to be found."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from streamrec.learning.rules import VALUE_BOUNDS
from streamrec.learning.state.user_table import UserTable

Rows = NDArray[np.int64]

HALF = "half"
"""One item has half of all events; the others follow Zipf's law."""

POPULARITIES = ("zipf 0.5", "zipf 1", "zipf 1.3", HALF)
BATCHES = (1, 64, 1024, 8192)
WEIGHTS = ("ones", "types", "spikes", "values")
N_ITEMS = (50, 1_000, 100_000)
N_EVENTS = 300_000

N_GROUPS = 10
TASTE_SHARE = 0.5
"""Of a user's events, chosen within the group of items that the user likes; others go by popularity alone.
Little enough for popularity to stay a hard baseline: the other half of the events is all its own."""

_EVENTS_OF_USER = {50: 15}
"""With few items users come for few events: one who has chosen everything can't be asked any more."""

_AT_ONCE = 64
"""Values that are set against their users' means at a time."""


@dataclass(frozen=True)
class Combination:
    """One stream, and how it is learned.

    >>> Combination("zipf 1", 1024, "ones", 50).name
    'zipf 1, batches of 1024, weights: ones, 50 items'
    """

    popularity: str
    batch: int
    weights: str
    n_items: int

    @property
    def name(self) -> str:
        """Words for a table and a log."""
        return f"{self.popularity}, batches of {self.batch}, weights: {self.weights}, {self.n_items} items"


def combinations() -> list[Combination]:
    """Return the whole grid, batches of one last: they take longest."""
    return [
        Combination(popularity, batch, weights, n_items)
        for batch, n_items, popularity, weights in product(BATCHES[::-1], N_ITEMS, POPULARITIES, WEIGHTS)
    ]


@dataclass(frozen=True, eq=False)
class HardStream:
    """N positive events.

    Attributes
    ----------
    users, items
        (N,) rows; items are numbered as they appear.
    weights
        (N,) float32.
    """

    users: Rows
    items: Rows
    weights: NDArray[np.float32]


def draw_stream(
    popularity: str, weights: str, n_items: int, n_events: int = N_EVENTS, seed: int = 1
) -> HardStream:
    """Draw a stream; its batches are cut by whoever learns it."""
    random = np.random.default_rng([seed, n_items])
    users = random.integers(0, max(1, n_events // _EVENTS_OF_USER.get(n_items, 150)), n_events)
    items = _items(popularity, users, n_items, random)
    _, first, numbered = np.unique(items, return_index=True, return_inverse=True)
    by_appearance = np.argsort(np.argsort(first))
    return HardStream(users, by_appearance[numbered], _weights(weights, users, random))


def _items(popularity: str, users: Rows, n_items: int, random: np.random.Generator) -> Rows:
    """Return (N,) items, each by the popularity among all or in the group of the user's taste."""
    shares = _shares(popularity, n_items)
    group_of = random.permutation(n_items) % N_GROUPS
    in_groups = np.argsort(group_of, kind="stable")  # items, those of a group side by side
    ends = np.cumsum(shares[in_groups])
    borders = np.concatenate([[0.0], ends[np.cumsum(np.bincount(group_of, minlength=N_GROUPS)) - 1]])
    draws = random.random(len(users))
    taste = random.integers(0, N_GROUPS, users.max() + 1)[users]
    by_taste = borders[taste] + draws * (borders[taste + 1] - borders[taste])
    has_taste = random.random(len(users)) < TASTE_SHARE
    at = np.searchsorted(ends, np.where(has_taste, by_taste, draws * ends[-1]), side="right")
    items = in_groups[np.minimum(at, n_items - 1)]
    if popularity == HALF:
        items[random.random(len(users)) < 0.5] = 0
    return np.asarray(items)


def _shares(popularity: str, n_items: int) -> NDArray[np.float64]:
    exponent = 1.0 if popularity == HALF else float(popularity.removeprefix("zipf "))
    shares = np.arange(1, n_items + 1) ** -exponent
    return np.asarray(shares / shares.sum())


def _weights(kind: str, users: Rows, random: np.random.Generator) -> NDArray[np.float32]:
    """Return (N,) weights as settings make them of types, or of values."""
    n = len(users)
    if kind == "ones":
        return np.ones(n, np.float32)
    if kind == "types":
        return random.choice(np.array([0.5, 0.7, 1.0], np.float32), n)
    if kind == "spikes":
        return np.where(random.random(n) < 0.1, 50.0, 1.0).astype(np.float32)
    if kind == "values":
        values, table = 10.0 ** random.uniform(-4, 4, n), UserTable()
        parts = [slice(first, first + _AT_ONCE) for first in range(0, n, _AT_ONCE)]
        relative = [table.relative_values(users[at], values[at], VALUE_BOUNDS) for at in parts]
        return np.concatenate(relative).astype(np.float32)
    return np.full(n, float(kind), np.float32)
