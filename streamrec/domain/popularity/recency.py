"""Weights by recency: a user's last choices count most."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.candidates import numbered
from streamrec.domain.similarity.neighbour import Neighbours

AGE_DECAY = 0.8
"""Share of its weight that an item keeps for each one chosen after it."""

_AGAIN_DECAY = 0.95
"""The same for items chosen again: habits last longer than current interests."""


def distinct_newest_first(recent: Sequence[str], n: int) -> list[str]:
    """Return the last `n` distinct items of `recent` (newest last), newest first.

    >>> distinct_newest_first(["a", "b", "a", "c"], 2)
    ['c', 'a']
    """
    return list(dict.fromkeys(reversed(recent)))[:n]


def visited_with(
    history: Sequence[str], neighbours: Mapping[str, Neighbours]
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Score items chosen together with, and after, the items of a history (newest first).

    An item's score is the sum of its similarities to those, each worth `AGE_DECAY` to its age.

    Returns
    -------
    item_ids, together, after
        N distinct items, and (N,) scores each.

    >>> near = {"a": Neighbours(["x"], [0.5], [3.0], [0.0]), "b": Neighbours(["x"], [0.5], [3.0], [0.25])}
    >>> ids, together, after = visited_with(["a", "b"], near)
    >>> ids, together.tolist(), after.tolist()
    (['x'], [0.9], [0.2])
    """
    # One long list each, of what all of them have: numbers by the dozen are not worth an array.
    ids: list[str] = []
    similarities: list[float] = []
    follows: list[float] = []
    counts: list[int] = []
    weights: list[float] = []
    weight = 1.0
    for item_id in history:
        near = neighbours.get(item_id)
        if near:
            ids += near.item_ids
            similarities += near.similarities
            follows += near.follows
            counts.append(len(near))
            weights.append(weight)
        weight *= AGE_DECAY
    if not ids:
        return [], np.zeros(0), np.zeros(0)
    distinct, indices = numbered(ids)
    worth = np.repeat(weights, counts)
    return (
        distinct,
        np.bincount(indices, similarities * worth).astype(np.float64),
        np.bincount(indices, follows * worth).astype(np.float64),
    )


def again(recent: Sequence[str]) -> dict[str, float]:
    """Return how much each of `recent` (newest last) was chosen, lately more than before.

    >>> scores = again(["a", "b", "a"])
    >>> scores["a"] > scores["b"] > 0
    True
    """
    scores: dict[str, float] = {}
    weight = 1.0
    for item_id in reversed(recent):
        scores[item_id] = scores.get(item_id, 0.0) + weight
        weight *= _AGAIN_DECAY
    return scores
