"""Neighbours of the items that a user chose last: who was chosen together with them, and after them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import AGE_DECAY, N_LAST
from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.item_numbers import ItemNumbers, Marks, Numbers
from streamrec.domain.similarity.neighbour import FOLLOWS, NONE_NEAR, NUMBER, SIMILARITY, Near

Amounts = NDArray[np.float64]


NOBODY = -1
"""Age of no item of a history."""


def joined(history: Sequence[str], neighbours: Mapping[str, Near]) -> tuple[Amounts, Numbers]:
    """Return (M, 4) rows of `Near` of each item of a history, one after the other, and how many of each."""
    rows = [neighbours.get(item_id, NONE_NEAR).rows for item_id in history] or [NONE_NEAR.rows]
    return np.concatenate(rows), np.array(list(map(len, rows)), np.int64)


_NO_SUMS = np.zeros(0, np.int64), np.zeros(0), np.zeros(0)


class Visits:
    """Neighbours of a history of up to `N_LAST` items, newest first.

    An item's score is the sum of its similarities to those, each worth `AGE_DECAY` to its age.

    Attributes
    ----------
    numbers
        (N,) distinct neighbours.
    together, after
        (N,) how much each was chosen together with the history, and after it.
    near, counts
        Neighbours of each item of the history, see `joined`.

    >>> from streamrec.domain.similarity.neighbour import Neighbours
    >>> items = ItemNumbers()
    >>> a, b = (Neighbours(["x"], [0.5], [3.0], [follows]).near(items) for follows in (0.0, 0.25))
    >>> visits = Visits(["a", "b"], {"a": a, "b": b}, items)
    >>> items.ids_at(visits.numbers), visits.together.round(6).tolist(), visits.after.round(6).tolist()
    (['x'], [0.9], [0.2])
    """

    def __init__(self, history: Sequence[str], neighbours: Mapping[str, Near], items: ItemNumbers) -> None:
        self._items = items
        self.near, self.counts = joined(history[:N_LAST], neighbours)
        self.numbers, self.together, self.after = _NO_SUMS
        if len(self.near):
            self.numbers, self.together, self.after = summed(self.near, self.counts, NOBODY, items.marks)

    def added(self, numbers: Numbers, column: int) -> Amounts:
        """Return (N, A) what each of the history adds to N distinct items' scores, by a column of `near`.

        Parameters
        ----------
        numbers
            -1: to an item that has none nothing is added.
        """
        return _added(numbers, self.near, column, self.counts, self._items.marks)


@compiled
def summed(near: Amounts, counts: Numbers, left_out: int, marks: Marks) -> tuple[Numbers, Amounts, Amounts]:
    """Return the neighbours of the last items of a history, and what they add up to, see `Visits`.

    Parameters
    ----------
    near, counts
        Of at least `N_LAST` items, and one more where one is left out, if there are so many.
    left_out
        Age of an item of the history that is passed over, so that each one before it is newer by one.
    """
    n = len(near)
    for row in range(n):
        marks[np.int64(near[row, NUMBER])] = -1
    numbers, together, after = np.empty(n, np.int64), np.empty(n), np.empty(n)
    n_distinct, row, worth, n_items = 0, 0, 1.0, 0
    for age, count in enumerate(counts):
        if age == left_out or n_items == N_LAST:
            row += count
            continue
        for _ in range(count):
            number = np.int64(near[row, NUMBER])
            position = marks[number]
            if position < 0:
                position = n_distinct
                marks[number] = position
                numbers[position] = number
                together[position] = after[position] = 0.0
                n_distinct += 1
            together[position] += near[row, SIMILARITY] * worth
            after[position] += near[row, FOLLOWS] * worth
            row += 1
        worth *= AGE_DECAY
        n_items += 1
    return numbers[:n_distinct], together[:n_distinct], after[:n_distinct]


@compiled
def _added(asked: Numbers, near: Amounts, column: int, counts: Numbers, marks: Marks) -> Amounts:
    for row in range(len(near)):
        marks[np.int64(near[row, NUMBER])] = -1
    for position, number in enumerate(asked):
        if number >= 0:
            marks[number] = position
    added = np.zeros((len(asked), len(counts)))
    row, worth = 0, 1.0
    for age, count in enumerate(counts):
        for _ in range(count):
            position = marks[np.int64(near[row, NUMBER])]
            if position >= 0:
                added[position, age] = near[row, column] * worth
            row += 1
        worth *= AGE_DECAY
    return added
