"""Negatives: items that a positive is compared with."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, mixed
from streamrec.domain.rows.growing import grown
from streamrec.learning.sampling import Rows


class _Popular(NamedTuple):
    """The items of the last positives, and which share of negatives is drawn from them."""

    items: Rows
    share: float


class NegativeSampler:
    """Draws items to stand against positives: a share by popularity, the rest uniformly.

    Popular ones are drawn from the items of the last `window` positives, so fading fashions fade here too.
    """

    def __init__(self, popular_share: float, window: int) -> None:
        self._popular_share = popular_share
        self._recent = np.zeros(window, np.int64)
        self._n_seen = 0
        self._is_alive = np.zeros(0, np.bool_)
        self._n_items = 0

    def observe(self, item_rows: Rows) -> None:
        """Note the items of (B,) positives, oldest first."""
        self._note(item_rows)
        self._n_items = max(self._n_items, int(item_rows.max(initial=-1)) + 1)
        self._is_alive[item_rows] = True

    def draw(self, item_rows: Rows, n: int, rng: np.random.Generator) -> NDArray[np.int32]:
        """Note the items of (B,) positives; return (B, n) items that each stands against.

        An event's are of the items observed up to it: those of a batch are what its events would have got
        one by one. -1 stands for one that was forgotten.
        """
        self._note(item_rows)
        return self.draw_again(item_rows, n, rng)

    def draw_again(self, item_rows: Rows, n: int, rng: np.random.Generator) -> NDArray[np.int32]:
        """Return (B, n) items that positives stand against which were observed before."""
        self._is_alive = grown(self._is_alive, int(item_rows.max(initial=-1)) + 1)
        popular = _Popular(self._recent[: min(self._n_seen, len(self._recent))], self._popular_share)
        seeds = rng.integers(0, 1 << 63, len(item_rows))
        drawn = np.empty((len(item_rows), n), np.int32)
        self._n_items = _draw(drawn, seeds, item_rows, self._n_items, self._is_alive, popular)
        return drawn

    def _note(self, item_rows: Rows) -> None:
        window = len(self._recent)
        kept = item_rows[-window:]
        at = (self._n_seen + len(item_rows) - len(kept) + np.arange(len(kept))) % window
        self._recent[at] = kept
        self._n_seen += len(item_rows)
        self._is_alive = grown(self._is_alive, int(item_rows.max(initial=-1)) + 1)

    def forget(self, item_rows: Rows) -> None:
        """Draw these items no more until they are observed again."""
        self._is_alive[item_rows[item_rows < len(self._is_alive)]] = False

    def arrays(self) -> dict[str, Rows | NDArray[np.bool_]]:
        """Return the state, for a checkpoint."""
        is_alive = self._is_alive[: self._n_items]
        return {"recent": self._recent, "n_seen": np.array([self._n_seen]), "is_alive": is_alive}

    def load(self, arrays: dict[str, NDArray[np.int64]]) -> None:
        """Take over a copy of what `arrays` returned."""
        self._recent = arrays["recent"].copy()
        self._n_seen = int(arrays["n_seen"][0])
        self._is_alive = arrays["is_alive"].astype(np.bool_)
        self._n_items = len(self._is_alive)


@compiled
def _draw(
    drawn: NDArray[np.int32],
    seeds: Rows,
    item_rows: Rows,
    n_items: int,
    is_alive: NDArray[np.bool_],
    popular: _Popular,
) -> int:
    """Set (B, N) negatives; return the number of items after the last event."""
    half, recent = np.uint64(32), popular.items
    for b in range(len(seeds)):
        is_alive[item_rows[b]] = True
        n_items = max(n_items, item_rows[b] + 1)
        number = np.uint64(seeds[b])
        for k in range(drawn.shape[1]):
            number += np.uint64(0x9E3779B97F4A7C15)
            fraction = mixed(number) >> half
            # Popular ones stand at even distances: every beginning of the draw has its share of them.
            if len(recent) and np.floor((k + 1) * popular.share) > np.floor(k * popular.share):
                row = recent[(fraction * np.uint64(len(recent))) >> half]
            else:
                row = np.int64((fraction * np.uint64(n_items)) >> half)
            drawn[b, k] = row if is_alive[row] else -1
    return n_items
