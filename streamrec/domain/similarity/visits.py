"""Neighbours of the items that a user chose last: who was chosen together with them, and after them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import AGE_DECAY, N_LAST
from streamrec.domain.rows.numbering import Numbering
from streamrec.domain.similarity.neighbour import Neighbours

_WORTH = AGE_DECAY ** np.arange(N_LAST)


class Beside(NamedTuple):
    """M items beside a history.

    Attributes
    ----------
    similar
        (20, M) similarity to each item of the history of each of the M; 0 where it is none's neighbour.
    follows
        (M,) how often each was chosen after the newest of the history, as a similarity.
    """

    similar: NDArray[np.float32]
    follows: NDArray[np.float32]


class Visits:
    """Neighbours of a history of up to `N_LAST` items, newest first.

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
    >>> visits.beside(["y", "x"]).similar[:3].tolist()
    [[0.0, 0.5], [0.0, 0.5], [0.0, 0.0]]
    """

    def __init__(self, history: Sequence[str], neighbours: Mapping[str, Neighbours]) -> None:
        ids: list[str] = []
        numbers = [np.zeros((2, 0))]
        counts = [0] * N_LAST
        for age, item_id in enumerate(history[:N_LAST]):
            near = neighbours.get(item_id)
            if near:
                ids += near.item_ids
                numbers.append(near.numbers)
                counts[age] = len(near)
        self._n_of_newest = counts[0]
        self._numbering = Numbering(ids)
        self._ages = np.repeat(np.arange(N_LAST), counts)
        self._similarities, self._follows = np.concatenate(numbers, axis=1)
        self.item_ids = self._numbering.ids
        worth = _WORTH[self._ages]
        self.together = self._summed(self._similarities * worth)
        self.after = self._summed(self._follows * worth)

    def beside(self, item_ids: Sequence[str]) -> Beside:
        """Return how M items stand to the history."""
        positions = self._positions_in(item_ids)
        similar = np.zeros((N_LAST, len(item_ids) + 1), np.float32)
        similar[self._ages, positions] = self._similarities
        follows = np.zeros(len(item_ids) + 1, np.float32)
        n = self._n_of_newest
        follows[positions[:n]] = self._follows[:n]
        # The last position took in what is no item of these.
        return Beside(similar[:, :-1], follows[:-1])

    def _summed(self, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = self._numbering.rows
        return np.bincount(rows, amounts, minlength=len(self.item_ids)).astype(np.float64)

    def _positions_in(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return, for each neighbour of each item, its position among M items; M where it is none of them."""
        positions = np.full(len(self.item_ids) + 1, len(item_ids))
        positions[self._numbering.rows_of(item_ids)] = np.arange(len(item_ids))
        positions[-1] = len(item_ids)
        return positions[self._numbering.rows]
