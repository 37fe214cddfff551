"""Metrics of the rank of the one item that the user chose: pure arithmetic on ranks.

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

    Ties count against the model, or one that gives all items the same score would always be right. So does a
    score that is no number.

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
    """Return the reciprocal of the position, counted from 1; 0 beyond `k`."""
    return 1 / (rank + 1) if rank < k else 0.0


METRICS = ("recall", "precision", "ndcg", "mrr")


def gains(metric: str, ranks: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return (N,) what one of `METRICS` says of each of (N,) events: `recall_at` and so on, by column.

    >>> gains("mrr", np.array([0, 3, MISS]), k=10).tolist()
    [1.0, 0.25, 0.0]
    """
    # Beyond k a value is made as well, and then left out: any position will do.
    positions = np.minimum(ranks, k) + 1.0
    values = {
        "recall": positions**0,
        "precision": positions**0 / k,
        "ndcg": 1 / np.log2(positions + 1),
        "mrr": 1 / positions,
    }
    found: NDArray[np.float64] = np.where(ranks < k, values[metric], 0.0)
    return found


def summary(ranks: NDArray[np.int64], k: int) -> dict[str, float]:
    """Return the means over (N,) events by name, and their number; all 0 without events.

    >>> summary(np.array([0, 1, MISS, 30]), k=10)["recall_at_10"]
    0.5
    """
    n_events = max(1, len(ranks))
    means = {f"{metric}_at_{k}": float(gains(metric, ranks, k).sum()) / n_events for metric in METRICS}
    return {**means, "n_events": len(ranks)}


def best_rows(scores: NDArray[np.floating], excluded: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return up to `k` rows of the highest scores, best first; none whose score is -inf or no number.

    Parameters
    ----------
    scores
        (I,) one score an item.
    excluded
        (E,) rows that are no candidates.

    >>> best_rows(np.array([0.5, 0.9, 0.7, -np.inf]), excluded=np.array([1]), k=3).tolist()
    [2, 0]
    """
    costs = -scores.astype(np.float64)
    costs[excluded] = np.inf
    k = min(k, len(costs))
    # Sorting all of a large catalogue would take many times as long as choosing.
    chosen = np.argpartition(costs, k - 1)[:k] if k else np.zeros(0, np.int64)
    in_order = chosen[np.argsort(costs[chosen], kind="stable")]
    return in_order[costs[in_order] < np.inf]


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
