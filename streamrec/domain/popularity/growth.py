"""Growth of items: what has a larger share of the choices lately than before."""

import numpy as np
from numpy.typing import NDArray

PRIOR_CHOICES = 5.0
"""Choices, seen and expected, that each item is given: a few more of what is seldom chosen prove little."""


def growth(
    lately: NDArray[np.float64], before: NDArray[np.float64], prior: float = PRIOR_CHOICES
) -> NDArray[np.float64]:
    """Return (I,) how many times as often items are chosen as was to be expected; 0 where it is not more.

    Expected of an item is its share of the choices of a long window, out of those of a short one: busy hours
    and a stream that has just begun make no item grow. The ratio is the mean of the posterior of a rate that
    has a gamma prior of mean 1 (DuMouchel 1999, Bayesian data mining in large frequency tables, section 2,
    with one component): (lately + prior) / (expected + prior).

    Parameters
    ----------
    lately, before
        (I,) and (J,) counts within the short and the long window, by item row; each may lack the last rows.

    >>> growth(np.array([20.0, 20.0, 0.0]), np.array([10.0, 90.0, 100.0])).round(2).tolist()
    [3.57, 1.09, 0.0]
    """
    n = max(len(lately), len(before))
    short, long = _of_length(lately, n), _of_length(before, n)
    total = long.sum()
    if not total > 0:
        return np.zeros(n)
    ratio = (short + prior) / (long * (short.sum() / total) + prior)
    return np.where(ratio > 1, ratio, 0.0)


def _of_length(counts: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    # Weights of either sign may be taken back: a count is none below 0.
    return np.pad(np.maximum(counts, 0.0), (0, n - len(counts)))
