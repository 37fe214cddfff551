"""Neighbours of the items that a user chose last: who was chosen together with them, and after them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import AGE_DECAY, N_LAST
from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.item_numbers import ItemNumbers, Marks, Numbers
from streamrec.domain.rows.places import mark_places
from streamrec.domain.similarity.neighbour import NONE_NEAR, Near

Amounts = NDArray[np.float64]


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
    similarities, follows
        (M,) to each neighbour of each item of the history, one after the other.

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
        self._items = items
        self._counts = np.array([len(of_item.numbers) for of_item in near])
        self._near = np.concatenate([of_item.numbers for of_item in near])
        self.similarities = np.concatenate([of_item.similarities for of_item in near])
        self.follows = np.concatenate([of_item.follows for of_item in near])
        self.numbers, self.together, self.after = _summed(
            self._near, self.similarities, self.follows, self._counts, items.marks
        )

    def added_by_age(self, number: int, amounts: Amounts) -> dict[int, float]:
        """Return what each of the history adds to an item's score, by age; amounts are (M,), see above."""
        rows = np.flatnonzero(self._near == number)
        ages = np.searchsorted(np.cumsum(self._counts), rows, side="right")
        return dict(zip(ages.tolist(), (amounts[rows] * AGE_DECAY**ages).tolist(), strict=True))

    def beside(self, numbers: Numbers) -> Beside:
        """Return how M distinct items stand to the history."""
        marks = self._items.marks
        return Beside(*_beside(numbers, self._near, self.similarities, self.follows, self._counts, marks))


@compiled
def _summed(
    near: Numbers, similarities: Amounts, follows: Amounts, counts: Numbers, marks: Marks
) -> tuple[Numbers, Amounts, Amounts]:
    for number in near:
        marks[number] = -1
    numbers, together, after = np.empty(len(near), np.int64), np.empty(len(near)), np.empty(len(near))
    n_distinct, row, worth = 0, 0, 1.0
    for count in counts:
        for _ in range(count):
            position = marks[near[row]]
            if position < 0:
                position = n_distinct
                marks[near[row]] = position
                numbers[position] = near[row]
                together[position] = after[position] = 0.0
                n_distinct += 1
            together[position] += similarities[row] * worth
            after[position] += follows[row] * worth
            row += 1
        worth *= AGE_DECAY
    return numbers[:n_distinct], together[:n_distinct], after[:n_distinct]


@compiled
def _beside(
    numbers: Numbers,
    near: Numbers,
    similarities: Amounts,
    follows: Amounts,
    counts: Numbers,
    marks: Marks,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    mark_places(marks, near, numbers)
    similar = np.zeros((N_LAST, len(numbers)), np.float32)
    after_newest = np.zeros(len(numbers), np.float32)
    row = 0
    for age, count in enumerate(counts):
        for _ in range(count):
            position = marks[near[row]]
            if position >= 0:
                similar[age, position] = similarities[row]
                if age == 0:
                    after_newest[position] = follows[row]
            row += 1
    return similar, after_newest
