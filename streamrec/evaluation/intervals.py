"""Confidence intervals and spread of lists: pure arithmetic over users and items."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_NORMAL_975 = 1.959963984540054
"""Quantile of the normal distribution: 95 % lie within so many standard errors."""


class Interval(NamedTuple):
    """Interval that holds a mean with a probability of 95 %."""

    low: float
    high: float


def interval_over_users(values: NDArray[np.float64], user_rows: NDArray[np.int64]) -> Interval:
    """Return the 95 % interval of the mean of (N,) values between 0 and 1, the users being the sample.

    What one user does next depends on what that user did before, so N events are no N independent trials:
    the interval of the binomial would be far too narrow. The users are taken as drawn at random, each with
    all events, and the mean as a ratio of two sums over users: its standard error is that of the sums of
    residuals (cluster-robust; Cameron and Miller 2015, A practitioner's guide to cluster-robust inference,
    section II), with the correction U / (U - 1). Of a single user nothing can be said but [0, 1].

    >>> interval_over_users(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0, 0, 1, 1]))
    Interval(low=0.5, high=0.5)
    >>> interval_over_users(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1]))
    Interval(low=0.0, high=1.0)
    """
    _, user_of_event = np.unique(user_rows, return_inverse=True)
    n_users = int(user_of_event.max(initial=-1)) + 1
    if n_users < 2:
        return Interval(0.0, 1.0)
    mean = float(values.mean())
    residuals = np.bincount(user_of_event, values - mean)
    variance = n_users / (n_users - 1) * float((residuals**2).sum()) / len(values) ** 2
    reach = _NORMAL_975 * variance**0.5
    return Interval(max(0.0, mean - reach), min(1.0, mean + reach))


def gini(counts: NDArray[np.int64]) -> float:
    """Return how unevenly (I,) counts are spread: 0 all equal, towards 1 one has everything; 0 of nothing.

    >>> gini(np.array([3, 3, 3])), gini(np.array([0, 0, 0, 8]))
    (0.0, 0.75)
    """
    total = int(counts.sum())
    if not total:
        return 0.0
    ascending = np.sort(counts).astype(np.float64)
    positions = np.arange(1, len(counts) + 1)
    return float(2 * (positions * ascending).sum() / (len(counts) * total) - (len(counts) + 1) / len(counts))
