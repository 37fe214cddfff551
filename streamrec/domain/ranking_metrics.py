"""How well a ranking puts the one item that the user chose: pure arithmetic on ranks.

A rank is counted from 0; `MISS` stands for an item that could not be ranked at all.
"""

import math
from collections import deque
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

MISS = 1 << 30
"""The rank of a target that a model could not know: beyond every k."""


def rank_of(scores: NDArray[np.floating], target: int, excluded: NDArray[np.int64]) -> int:
    """Return how many items stand before `target`.

    Ties count against the model, or one that scores all items alike would always be right; so does a score
    that is no number.

    Parameters
    ----------
    scores
        (I,) one score an item, higher is better.
    target
        Row of the item that was chosen.
    excluded
        (E,) rows that are not candidates; the target may not be one of them.

    >>> rank_of(np.array([0.5, 0.9, 0.5, 0.7]), target=0, excluded=np.array([1]))
    2
    """
    is_before = ~(scores < scores[target])
    return int(is_before.sum()) - int(is_before[excluded].sum()) - 1


def recall_at(rank: int, k: int) -> float:
    """Return 1 when the target is among the first `k`, else 0."""
    return float(rank < k)


def precision_at(rank: int, k: int) -> float:
    """Return the share of the first `k` that is the target: with one target, recall / k."""
    return recall_at(rank, k) / k


def ndcg_at(rank: int, k: int) -> float:
    """Return the discounted gain at `rank` over the ideal one (Jarvelin, Kekalainen 2002), 0 beyond `k`.

    >>> ndcg_at(0, 10), round(ndcg_at(2, 10), 2), ndcg_at(10, 10)
    (1.0, 0.5, 0.0)
    """
    return 1 / math.log2(rank + 2) if rank < k else 0.0


def mrr_at(rank: int, k: int) -> float:
    """Return the reciprocal of the place, counted from 1; 0 beyond `k`."""
    return 1 / (rank + 1) if rank < k else 0.0


def summary(ranks: NDArray[np.int64], k: int) -> dict[str, float]:
    """Return the means over (N,) events by name, and their number; all 0 without events.

    >>> summary(np.array([0, 1, MISS, 30]), k=10)["recall_at_10"]
    0.5
    """
    n_events = max(1, len(ranks))
    inside = ranks[ranks < k].astype(np.float64)
    recall = len(inside) / n_events
    return {
        f"recall_at_{k}": recall,
        f"precision_at_{k}": recall / k,
        f"ndcg_at_{k}": float((1 / np.log2(inside + 2)).sum()) / n_events,
        f"mrr_at_{k}": float((1 / (inside + 1)).sum()) / n_events,
        "n_events": len(ranks),
    }


class SlidingComparison:
    """Several models beside one another over the last `window` events that all of them ranked.

    >>> recent = SlidingComparison(window=2, k=10)
    >>> for gmf, popularity in ((0, 50), (3, 1), (20, 2)):
    ...     recent.add({"gmf": gmf, "popularity": popularity})
    >>> recent.summaries()["gmf"]["recall_at_10"], recent.summaries()["popularity"]["recall_at_10"]
    (0.5, 1.0)
    """

    def __init__(self, window: int, k: int) -> None:
        self._k = k
        self._ranks: deque[Mapping[str, int]] = deque(maxlen=window)

    def __len__(self) -> int:
        """Return the number of events inside the window."""
        return len(self._ranks)

    def add(self, rank_by_model: Mapping[str, int]) -> None:
        """Note one event's ranks; every call names the same models."""
        self._ranks.append(rank_by_model)

    def summaries(self) -> dict[str, dict[str, float]]:
        """Return each model's `summary` over the window; empty before the first event."""
        if not self._ranks:
            return {}
        return {
            name: summary(np.array([ranks[name] for ranks in self._ranks], np.int64), self._k)
            for name in self._ranks[-1]
        }
