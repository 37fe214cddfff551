"""Neighbours of the items that a user chose last: who was chosen together with them, and after them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import AGE_DECAY, N_LAST
from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.item_numbers import ItemNumbers, Marks, Numbers
from streamrec.domain.similarity.neighbour import FOLLOWS, NONE_NEAR, NUMBER, SIMILARITY, Near

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
    near
        (M, 4) rows of `Near` of each item of the history, one item after the other.
    counts
        (A,) how many of them are of each.

    >>> from streamrec.domain.similarity.neighbour import Neighbours
    >>> items = ItemNumbers()
    >>> a, b = (Neighbours(["x"], [0.5], [3.0], [follows]).near(items) for follows in (0.0, 0.25))
    >>> visits = Visits(["a", "b"], {"a": a, "b": b}, items)
    >>> items.ids_at(visits.numbers), visits.together.round(6).tolist(), visits.after.round(6).tolist()
    (['x'], [0.9], [0.2])
    >>> beside(items.of(["y", "x"]), visits.near, visits.counts, items.marks).similar[:3].tolist()
    [[0.0, 0.5], [0.0, 0.5], [0.0, 0.0]]
    """

    def __init__(self, history: Sequence[str], neighbours: Mapping[str, Near], items: ItemNumbers) -> None:
        near = [neighbours.get(item_id, NONE_NEAR) for item_id in history[:N_LAST]] or [NONE_NEAR]
        rows = [of_item.rows for of_item in near]
        self.counts = np.array(list(map(len, rows)), np.int64)
        self.near = np.concatenate(rows)
        self.numbers, self.together, self.after = _summed(self.near, self.counts, items.marks)

    def added_by_age(self, number: int, column: int) -> list[float]:
        """Return what each of the history adds to an item's score, by age, and by a column of `near`."""
        added: list[float] = _added(number, self.near, column, self.counts).tolist()
        return added


@compiled
def _summed(near: Amounts, counts: Numbers, marks: Marks) -> tuple[Numbers, Amounts, Amounts]:
    n = len(near)
    for row in range(n):
        marks[np.int64(near[row, NUMBER])] = -1
    numbers, together, after = np.empty(n, np.int64), np.empty(n), np.empty(n)
    n_distinct, row, worth = 0, 0, 1.0
    for count in counts:
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
    return numbers[:n_distinct], together[:n_distinct], after[:n_distinct]


@compiled
def _added(number: int, near: Amounts, column: int, counts: Numbers) -> Amounts:
    added = np.zeros(len(counts))
    row, worth = 0, 1.0
    for age, count in enumerate(counts):
        for _ in range(count):
            if near[row, NUMBER] == number:
                added[age] = near[row, column] * worth
            row += 1
        worth *= AGE_DECAY
    return added


@compiled
def beside(numbers: Numbers, near: Amounts, counts: Numbers, marks: Marks) -> Beside:
    """Return how M distinct items stand to a history, of which these are the neighbours, see `Visits`."""
    for row in range(len(near)):
        marks[np.int64(near[row, NUMBER])] = -1
    for position, number in enumerate(numbers):
        marks[number] = position
    similar = np.zeros((N_LAST, len(numbers)), np.float32)
    after_newest = np.zeros(len(numbers), np.float32)
    row = 0
    for age, count in enumerate(counts):
        for _ in range(count):
            position = marks[np.int64(near[row, NUMBER])]
            if position >= 0:
                similar[age, position] = near[row, SIMILARITY]
                if age == 0:
                    after_newest[position] = near[row, FOLLOWS]
            row += 1
    return Beside(similar, after_newest)
