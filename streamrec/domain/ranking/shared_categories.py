"""Categories that candidates share with what a user chose last."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.category_table import MOST_CATEGORIES, N_NUMBERS
from streamrec.domain.popularity.recency import N_LAST

Array = NDArray[np.float32]

_FADING = 0.93
"""Share of its worth that a choice keeps for each one after it, as far as categories go."""


class SharedCategories(NamedTuple):
    """Categories of N candidates beside those of the user's last choices.

    Attributes
    ----------
    share
        (N,) mean share that each candidate's categories have in the last choices, the newest counting most.
    overlap
        (N,) categories in common with the newest choice, as a share of those that either has.
    """

    share: Array
    overlap: Array


def nothing_shared(n: int) -> SharedCategories:
    """Return what is said of N candidates when nothing is known."""
    zeros = np.zeros(n, np.float32)
    return SharedCategories(zeros, zeros)


def shared_categories(of_candidates: NDArray[np.int16], of_last: NDArray[np.int16]) -> SharedCategories:
    """Return what candidates share with the last choices.

    Parameters
    ----------
    of_candidates
        (N, 8) numbers, see `CategoryTable`.
    of_last
        (M, 8) the same of up to 20 last choices, newest first; those without any do not count.

    >>> from streamrec.domain.items.category_table import CategoryTable
    >>> table = CategoryTable()
    >>> for item_id, names in {"a": ("war", "drama"), "b": ("war",), "c": ("comedy",)}.items():
    ...     table.put(item_id, names)
    >>> shared = shared_categories(table.of("abc"), table.of("ba"))
    >>> [round(share, 2) for share in shared.share.tolist()], shared.overlap.tolist()
    ([0.74, 1.0, 0.0], [0.5, 1.0, 0.0])
    """
    worth = _WORTH[: len(of_last)] * (of_last[:, 0] < N_NUMBERS)
    worth /= max(float(worth.sum()), 1e-9)
    amounts = _ONE_EACH.copy()
    amounts[:, _SHARE] = np.bincount(of_last.ravel(), worth.repeat(MOST_CATEGORIES), N_NUMBERS + 1)
    amounts[of_last[:1], _COMMON] = 1
    amounts[N_NUMBERS] = 0
    of_each = amounts.take(of_candidates, axis=0).reshape(len(of_candidates), -1)
    shares, n_common, n_own = (of_each @ _SUMMING).T
    n_of_newest = np.float32((of_last[:1] < N_NUMBERS).sum())
    return SharedCategories(
        shares / np.maximum(n_own, 1), n_common / np.maximum(n_own + n_of_newest - n_common, 1)
    )


_WORTH = _FADING ** np.arange(N_LAST)

_SHARE, _COMMON, _COUNT = range(3)
"""Columns of what is looked up by category, all at once."""

_SUMMING = np.tile(np.eye(3, dtype=np.float32), (MOST_CATEGORIES, 1))

_ONE_EACH = np.zeros((N_NUMBERS + 1, 3), np.float32)
_ONE_EACH[:, _COUNT] = 1
