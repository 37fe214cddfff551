"""Scene of a request: N candidates before what the user chose last, and the columns that describe it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking.context_columns import COLUMNS, N_COLUMNS
from streamrec.domain.ranking.levels import replace_by_levels
from streamrec.domain.ranking.shared_categories import SharedCategories, nothing_shared
from streamrec.domain.rows.compiled import compiled, inlined
from streamrec.domain.rows.item_numbers import Marks, Numbers
from streamrec.domain.similarity.neighbour import FOLLOWS, NUMBER, SIMILARITY
from streamrec.domain.similarity.visits import Amounts

Array = NDArray[np.float32]

_ORDER_DECAY = 0.95
"""Share of its worth that an item keeps for each one chosen after it."""

_LEAST_WORTH = 0.1
"""Share of its worth that an item keeps however long ago it was chosen."""


_DEEPEST = np.float32(9.0)
"""Logits this far below the best one are all the same: odds of a ten thousandth."""


class Scene(NamedTuple):
    """N candidates before the user's last items, newest first.

    Attributes
    ----------
    visited
        (6, N) the first columns, see `visited`.
    categories
        What the candidates share with the last items by categories.
    below_best
        (N,) how far each candidate's logit by the model lies below the user's best one; infinite where it is
        not known.
    chosen
        (2, N) by how many people each candidate was chosen ever, and within the newest events; 0: not known.
    alike
        (2, N) how like each candidate is to the last items and to the newest by words, see `alike_by_words`.
    """

    visited: Array
    categories: SharedCategories
    below_best: Array
    chosen: Array
    alike: Array

    @classmethod
    def of(
        cls,
        visited: Array,
        categories: SharedCategories | None = None,
        below_best: Array | None = None,
        chosen: Array | None = None,
    ) -> "Scene":
        """Return a scene; what is not given is not known."""
        n = visited.shape[1]
        shared = nothing_shared(n) if categories is None else categories
        below = np.full(n, np.inf, np.float32) if below_best is None else below_best
        counted = np.zeros((2, n), np.float32) if chosen is None else chosen
        return cls(visited, shared, below, counted, np.zeros_like(counted))


def worth(ages_s: Sequence[float], scale_s: float) -> Array:
    """Return (20,) what each of the last items counts: less when others came after it, or time passed.

    Parameters
    ----------
    ages_s
        Seconds since each was chosen, newest first; those of which it is not known count as long ago.
    scale_s
        Of the stream, see `StreamTime`; from a third of it to three times as much ranks about as well.

    >>> [round(float(of_item), 2) for of_item in worth([0.0, 30.0], 30.0)[:3]]
    [1.0, 0.41, 0.09]
    """
    return worth_of(np.array(ages_s, np.float64), scale_s)


@compiled
def worth_of(ages_s: NDArray[np.float64], scale_s: float) -> Array:
    """Return the same."""
    of_items = np.empty(N_LAST, np.float32)
    for age in range(N_LAST):
        lately = np.exp(-ages_s[age] / scale_s) if age < len(ages_s) else 0.0
        of_items[age] = _BY_ORDER[age] * np.float32(_LEAST_WORTH + (1 - _LEAST_WORTH) * lately)
    return of_items


_BY_ORDER = (_ORDER_DECAY ** np.arange(N_LAST)).astype(np.float32)


@compiled
def visited(
    numbers: Numbers, near: Amounts, counts: Numbers, worth: Array, left_out: int, marks: Marks
) -> Array:
    """Return the (6, N) columns of N distinct items by the neighbours of a history.

    Parameters
    ----------
    near, counts, left_out
        See `summed`.
    worth
        (20,) what each of the last items counts, see `worth`.
    """
    for row in range(len(near)):
        marks[np.int64(near[row, NUMBER])] = -1
    for position, number in enumerate(numbers):
        marks[number] = position
    columns, row, age = np.zeros((6, len(numbers)), np.float32), 0, 0
    for place, count in enumerate(counts):
        if place == left_out or age == N_LAST:
            row += count
            continue
        for _ in range(count):
            position = marks[np.int64(near[row, NUMBER])]
            if position >= 0:
                similarity, follows = np.float32(near[row, SIMILARITY]), np.float32(near[row, FOLLOWS])
                _visit(columns[:, position], similarity, follows, age, worth[age])
            row += 1
        age += 1
    return columns


@inlined
def _visit(columns: Array, similarity: np.float32, follows: np.float32, age: int, worth: np.float32) -> None:
    """Add to the columns of one item what it is to one of the history."""
    if similarity > 0:
        columns[0] += worth * similarity
        columns[1] += np.float32(1 / N_LAST)
        columns[2] += worth / np.float32(5)
    if age == 0:
        columns[3], columns[5] = similarity, follows
    elif age == 1:
        columns[4] = similarity


_IS_LEVEL = np.array([column.is_level for column in COLUMNS])


@compiled
def described(scene: Scene) -> Array:
    """Return the (K, N) columns of a scene."""
    visited, (share, overlap), below_best, chosen, alike = scene
    n = visited.shape[1]
    columns = np.zeros((N_COLUMNS, n), np.float32)
    columns[:6] = visited
    categories, common, fit, fit_share, ever, lately = columns[6:12]
    columns[12:] = alike
    # Where all candidates have the same, as in a catalogue of one category, it says nothing.
    least_share, least_overlap = np.float32(1), np.float32(1)
    for row in range(n):
        least_share, least_overlap = min(least_share, share[row]), min(least_overlap, overlap[row])
    for row in range(n):
        categories[row], common[row] = share[row] - least_share, overlap[row] - least_overlap
        fit[row] = max(_DEEPEST - below_best[row], np.float32(0)) / np.float32(3)
        fit_share[row] = np.exp(-below_best[row])
        ever[row] = np.log1p(chosen[0, row]) / np.float32(6)
        lately[row] = np.log1p(chosen[1, row]) / np.float32(3)
    for column in range(N_COLUMNS):
        if _IS_LEVEL[column]:
            replace_by_levels(columns[column])
    return columns
