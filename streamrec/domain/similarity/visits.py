"""Neighbours of the items that a user chose last: who was chosen together with them, and after them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import AGE_DECAY, N_LAST
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers
from streamrec.domain.similarity.neighbour import NONE_NEAR, Near

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
    numbers
        (N,) distinct neighbours.
    together, after
        (N,) how much each was chosen together with the history, and after it.

    >>> from streamrec.domain.similarity.neighbour import Neighbours
    >>> items = ItemNumbers()
    >>> a, b = (Neighbours(["x"], [0.5], [3.0], [follows]).near(items) for follows in (0.0, 0.25))
    >>> visits = Visits(["a", "b"], {"a": a, "b": b}, items)
    >>> items.ids_at(visits.numbers), visits.together.round(6).tolist(), visits.after.round(6).tolist()
    (['x'], [0.9], [0.2])
    >>> visits.beside(items.of(["y", "x"])).similar[:3].tolist()
    [[0.0, 0.5], [0.0, 0.5], [0.0, 0.0]]
    """

    def __init__(self, history: Sequence[str], neighbours: Mapping[str, Near], items: ItemNumbers) -> None:
        near = [neighbours.get(item_id, NONE_NEAR) for item_id in history[:N_LAST]] or [NONE_NEAR]
        counts = [len(of_item.numbers) for of_item in near]
        self._items = items
        self._n_of_newest = counts[0]
        self._ages = np.repeat(np.arange(len(near)), counts)
        self._near = np.concatenate([of_item.numbers for of_item in near])
        self._similarities = np.concatenate([of_item.similarities for of_item in near])
        self._follows = np.concatenate([of_item.follows for of_item in near])
        self.numbers, self._positions = items.distinct(self._near)
        worth = _WORTH[self._ages]
        self.together = self._summed(self._similarities * worth)
        self.after = self._summed(self._follows * worth)

    def beside(self, numbers: Numbers) -> Beside:
        """Return how M distinct items stand to the history."""
        positions = self._items.positions(self._near, numbers)
        similar = np.zeros((N_LAST, len(numbers) + 1), np.float32)
        similar[self._ages, positions] = self._similarities
        follows = np.zeros(len(numbers) + 1, np.float32)
        n = self._n_of_newest
        follows[positions[:n]] = self._follows[:n]
        # The last position took in what is no item of these.
        return Beside(similar[:, :-1], follows[:-1])

    def _summed(self, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(self._positions, amounts, minlength=len(self.numbers)).astype(np.float64)
