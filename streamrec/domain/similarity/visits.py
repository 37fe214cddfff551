"""Neighbours of the items that a user chose last: who was chosen together with them, and after them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import AGE_DECAY
from streamrec.domain.rows.numbering import Numbering
from streamrec.domain.similarity.neighbour import Neighbours

N_HISTORY = 20
"""Newest distinct items of a user whose neighbours count."""


class Visits:
    """Neighbours of a history of up to `N_HISTORY` items, newest first.

    An item's score is the sum of its similarities to those, each worth `AGE_DECAY` to its age.

    Attributes
    ----------
    item_ids
        N distinct neighbours.
    together, after
        (N,) how much each was chosen together with the history, and after it.

    >>> near = {"a": Neighbours(["x"], [0.5], [3.0], [0.0]), "b": Neighbours(["x"], [0.5], [3.0], [0.25])}
    >>> visits = Visits(["a", "b"], near)
    >>> visits.item_ids, visits.together.tolist(), visits.after.tolist()
    (['x'], [0.9], [0.2])
    >>> visits.similar(["y", "x"])[:3].tolist()
    [[0.0, 0.5], [0.0, 0.5], [0.0, 0.0]]
    """

    def __init__(self, history: Sequence[str], neighbours: Mapping[str, Neighbours]) -> None:
        # One long list each, of what all of them have: numbers by the dozen are not worth an array.
        ids: list[str] = []
        similarities: list[float] = []
        follows: list[float] = []
        counts = [0] * N_HISTORY
        for age, item_id in enumerate(history[:N_HISTORY]):
            near = neighbours.get(item_id)
            if near:
                ids += near.item_ids
                similarities += near.similarities
                follows += near.follows
                counts[age] = len(near)
        self._n_of_newest = counts[0]
        self._numbering = Numbering(ids)
        self._ages = np.repeat(np.arange(N_HISTORY), counts)
        self._similarities = np.array(similarities, np.float64)
        self._follows = np.array(follows, np.float64)
        self.item_ids = self._numbering.ids
        worth = (AGE_DECAY ** np.arange(N_HISTORY))[self._ages]
        self.together = self._summed(self._similarities * worth)
        self.after = self._summed(self._follows * worth)

    def similar(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """Return (20, M) the similarity to each of the history of each of M items, 0 where it is none's."""
        table = np.zeros((N_HISTORY, len(item_ids) + 1), np.float32)
        table[self._ages, self._positions_in(item_ids)] = self._similarities
        return table[:, :-1]

    def follows_newest(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """Return (M,) how often each of M items was chosen after the history's newest, as a similarity."""
        n = self._n_of_newest
        follows = np.zeros(len(item_ids) + 1, np.float32)
        follows[self._positions_in(item_ids)[:n]] = self._follows[:n]
        return follows[:-1]

    def _summed(self, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = self._numbering.rows
        return np.bincount(rows, amounts, minlength=len(self.item_ids)).astype(np.float64)

    def _positions_in(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return, for each neighbour of each item, its position among M items; M where it is none of them."""
        positions = np.full(len(self.item_ids) + 1, len(item_ids))
        positions[self._numbering.rows_of(item_ids)] = np.arange(len(item_ids))
        positions[-1] = len(item_ids)
        return positions[self._numbering.rows]
