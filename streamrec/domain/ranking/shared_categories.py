"""Categories that candidates share with what a user chose last."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.category_table import N_NUMBERS
from streamrec.domain.rows.compiled import compiled

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
    return SharedCategories(*_shared(of_candidates, of_last))


@compiled
def _shared(of_candidates: NDArray[np.int16], of_last: NDArray[np.int16]) -> tuple[Array, Array]:
    share_of, is_of_newest = np.zeros(N_NUMBERS, np.float32), np.zeros(N_NUMBERS, np.bool_)
    total, worth, n_of_newest = 0.0, 1.0, 0
    for of_choice in of_last:
        total += worth if of_choice[0] < N_NUMBERS else 0.0
        worth *= _FADING
    worth = 1.0 / max(total, 1e-9)
    for age, of_choice in enumerate(of_last):
        for number in of_choice:
            if number < N_NUMBERS:
                share_of[number] += worth
                is_of_newest[number] |= age == 0
                n_of_newest += age == 0
        worth *= _FADING
    shares = np.zeros(len(of_candidates), np.float32)
    overlaps = np.zeros(len(of_candidates), np.float32)
    for position, own in enumerate(of_candidates):
        share, n_common, n_own = np.float32(0), 0, 0
        for number in own:
            if number < N_NUMBERS:
                share += share_of[number]
                n_common += is_of_newest[number]
                n_own += 1
        shares[position] = share / max(n_own, 1)
        overlaps[position] = n_common / max(n_own + n_of_newest - n_common, 1)
    return shares, overlaps
