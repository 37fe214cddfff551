"""Levels of amounts: how high each stands beside the best, on a scale of logarithms."""

import numpy as np
from numpy.typing import NDArray

LEAST_SHARE = np.float32(0.01)
"""Amounts under this share of the best one are all the same: noise, on a scale of logarithms."""

_RANGE = -np.log(LEAST_SHARE)


def share_levels(amounts: NDArray[np.float32], best: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 for the best, 0 from a hundredth of it down, and a half for a tenth of it.

    Parameters
    ----------
    amounts, best
        Of shapes that go together; nothing is a level where the best is no amount at all.

    >>> share_levels(np.array([8.0, 0.8, 0.0], np.float32), np.array([8.0], np.float32)).round(2).tolist()
    [1.0, 0.5, 0.0]
    """
    shares = np.divide(amounts, np.where(best > 0, best, 1), dtype=np.float32)
    levels: NDArray[np.float32] = np.log(np.maximum(shares, LEAST_SHARE)) / _RANGE + np.float32(1)
    return levels
