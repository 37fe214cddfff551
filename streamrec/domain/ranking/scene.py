"""Scene of a request: N candidates before what the user chose last, as arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking.shared_categories import SharedCategories, nothing_shared

Array = NDArray[np.float32]

_ORDER_DECAY = 0.95
"""Share of its worth that an item keeps for each one chosen after it."""

_LEAST_WORTH = 0.1
"""Share of its worth that an item keeps however long ago it was chosen."""


class Scene(NamedTuple):
    """N candidates before the user's last items, newest first.

    Attributes
    ----------
    similar
        (20, N) similarity to each of the last items of each candidate; 0 where it is none of the item's
        published neighbours, or there is no such item.
    is_near
        (20, N) 1 where there is a similarity, else 0.
    follows
        (N,) how often each candidate was chosen after the newest item, as a similarity.
    worth
        (20,) what each of the last items counts, see `worth`.
    categories
        What the candidates share with the last items by categories.
    below_best
        (N,) how far each candidate's logit by the model lies below the user's best one; infinite where it is
        not known.
    """

    similar: Array
    is_near: Array
    follows: Array
    worth: Array
    categories: SharedCategories
    below_best: Array

    @classmethod
    def of(
        cls,
        similar: Array,
        follows: Array,
        worth: Array,
        categories: SharedCategories | None = None,
        below_best: Array | None = None,
    ) -> "Scene":
        """Return a scene with what follows from the similarities; what is not given is not known."""
        shared = nothing_shared(len(follows)) if categories is None else categories
        below = np.full(len(follows), np.inf, np.float32) if below_best is None else below_best
        return cls(similar, (similar > 0).astype(np.float32), follows, worth, shared, below)


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
    ages = np.full(N_LAST, np.inf)
    known = ages_s[:N_LAST]
    ages[: len(known)] = known
    lately = np.exp(-ages / scale_s)
    of_items: Array = _BY_ORDER * (_LEAST_WORTH + (1 - _LEAST_WORTH) * lately).astype(np.float32)
    return of_items


_BY_ORDER = (_ORDER_DECAY ** np.arange(N_LAST)).astype(np.float32)
