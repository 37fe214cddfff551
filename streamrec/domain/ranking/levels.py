"""Levels of amounts: how high each stands beside the best, on a scale of logarithms."""

import math

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import inlined

LEAST_SHARE = 0.01
"""Amounts under this share of the best one are all the same: noise, on a scale of logarithms."""

_RANGE = -math.log(LEAST_SHARE)


@inlined
def level_of(amount: np.float32, best: np.float32) -> np.float32:
    """Return 1 for the best, 0 from a hundredth of it down, and a half for a tenth of it.

    Nothing is a level where the best is no amount at all.

    >>> [round(float(level_of(np.float32(amount), np.float32(8))), 2) for amount in (8.0, 0.8, 0.0)]
    [1.0, 0.5, 0.0]
    """
    # In float64: a reciprocal, which compilers put for a division, of the smallest float32 is infinite.
    share = np.float64(amount) / np.float64(best) if best > 0 else 0.0
    if share <= LEAST_SHARE:
        return np.float32(0)
    return np.float32(np.log(share) / _RANGE + 1.0)


@inlined
def replace_by_levels(amounts: NDArray[np.float32]) -> None:
    """Replace (N,) amounts by their levels beside the largest."""
    best = np.float32(0)
    for amount in amounts:
        best = max(best, amount)
    for row in range(len(amounts)):
        amounts[row] = level_of(amounts[row], best)
