"""Scene of a request: N candidates before what the user chose last, and the columns that describe it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking.context_columns import COLUMNS, N_COLUMNS
from streamrec.domain.ranking.levels import replace_by_levels
from streamrec.domain.ranking.shared_categories import SharedCategories, nothing_shared
from streamrec.domain.rows.compiled import compiled

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
    similar
        (20, N) similarity to each of the last items of each candidate; 0 where it is none of the item's
        published neighbours, or there is no such item.
    follows
        (N,) how often each candidate was chosen after the newest item, as a similarity.
    worth
        (20,) what each of the last items counts, see `worth`.
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

    similar: Array
    follows: Array
    worth: Array
    categories: SharedCategories
    below_best: Array
    chosen: Array
    alike: Array

    @classmethod
    def of(
        cls,
        similar: Array,
        follows: Array,
        worth: Array,
        categories: SharedCategories | None = None,
        below_best: Array | None = None,
        chosen: Array | None = None,
    ) -> "Scene":
        """Return a scene; what is not given is not known."""
        shared = nothing_shared(len(follows)) if categories is None else categories
        below = np.full(len(follows), np.inf, np.float32) if below_best is None else below_best
        counted = np.zeros((2, len(follows)), np.float32) if chosen is None else chosen
        return cls(similar, follows, worth, shared, below, counted, np.zeros_like(counted))


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

_IS_LEVEL = np.array([column.is_level for column in COLUMNS])


@compiled
def described(scene: Scene) -> Array:
    """Return the (K, N) columns of a scene."""
    similar, follows, worth, (share, overlap), below_best, chosen, alike = scene
    n = len(follows)
    columns = np.zeros((N_COLUMNS, n), np.float32)
    sitting, votes, votes_sitting, newest, last_but_one, after = columns[:6]
    categories, common, fit, fit_share, ever, lately = columns[6:12]
    columns[12:] = alike
    # Most of these are 0: to pass over them takes less than to add them.
    for age in range(N_LAST):
        vote, vote_sitting = np.float32(1 / N_LAST), worth[age] / np.float32(5)
        for row in range(n):
            amount = similar[age, row]
            if amount > 0:
                sitting[row] += worth[age] * amount
                votes[row] += vote
                votes_sitting[row] += vote_sitting
    # Where all candidates have the same, as in a catalogue of one category, it says nothing.
    least_share, least_overlap = np.float32(1), np.float32(1)
    for row in range(n):
        least_share, least_overlap = min(least_share, share[row]), min(least_overlap, overlap[row])
    for row in range(n):
        newest[row], last_but_one[row], after[row] = similar[0, row], similar[1, row], follows[row]
        categories[row], common[row] = share[row] - least_share, overlap[row] - least_overlap
        fit[row] = max(_DEEPEST - below_best[row], np.float32(0)) / np.float32(3)
        fit_share[row] = np.exp(-below_best[row])
        ever[row] = np.log1p(chosen[0, row]) / np.float32(6)
        lately[row] = np.log1p(chosen[1, row]) / np.float32(3)
    for column in range(N_COLUMNS):
        if _IS_LEVEL[column]:
            replace_by_levels(columns[column])
    return columns
