"""Bootstrap over users: intervals of means and of paired differences, without a law of their values.

Efron 1979, Bootstrap methods: another look at the jackknife; the interval is that of percentiles (Efron,
Tibshirani 1993, An introduction to the bootstrap, section 13.3).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.checks import finite, refuse_bad_alpha
from streamrec.experiments.statistics.means import Bounds

N_RESAMPLES = 2000

_BLOCK = 4_000_000
"""Draws at once: 32 MB."""

Matrix = NDArray[np.float64]


class PairedDifference(NamedTuple):
    """Mean difference of two columns over the same users, its interval, and a two-sided p-value of none."""

    mean: float
    interval: Bounds
    p_value: float


def resampled_means(values: ArrayLike, seed: int, n_resamples: int = N_RESAMPLES) -> Matrix:
    """Return (R, M) means of (U, M) values over users drawn with replacement, the same for all columns.

    Raises
    ------
    InvalidInput
        When there is no user, or a value is not finite.
    """
    table = finite("values", values)
    if table.ndim != 2:
        raise InvalidInput(f"values of shape {table.shape}: wanted users and columns")
    if n_resamples < 1:
        raise InvalidInput(f"{n_resamples} resamples: wanted at least 1")
    chance = np.random.default_rng(seed)
    n_users = len(table)
    at_once = max(1, _BLOCK // n_users)
    means = []
    for first in range(0, n_resamples, at_once):
        n = min(at_once, n_resamples - first)
        drawn = chance.integers(n_users, size=(n, n_users)) + np.arange(n)[:, None] * n_users
        times = np.bincount(drawn.ravel(), minlength=n * n_users).reshape(n, n_users)
        means.append(times @ table / n_users)
    return np.concatenate(means)


def mean_bounds(
    values: ArrayLike, seed: int, alpha: float = 0.05, n_resamples: int = N_RESAMPLES
) -> list[Bounds]:
    """Return the interval of the mean of each column of (U, M) values.

    >>> mean_bounds([[1.0, 0.0], [1.0, 0.0]], seed=1)
    [(1.0, 1.0), (0.0, 0.0)]
    """
    refuse_bad_alpha(alpha)
    return [_percentiles(column, alpha) for column in resampled_means(values, seed, n_resamples).T]


def paired_difference(
    control: ArrayLike, variant: ArrayLike, seed: int, alpha: float = 0.05, n_resamples: int = N_RESAMPLES
) -> PairedDifference:
    """Compare two (U,) columns of the same users: variant less control.

    Raises
    ------
    InvalidInput
        When they are not of as many users.

    >>> paired_difference([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], seed=1)
    PairedDifference(mean=0.0, interval=(0.0, 0.0), p_value=1.0)
    """
    refuse_bad_alpha(alpha)
    a, b = finite("control", control), finite("variant", variant)
    if a.shape != b.shape or a.ndim != 1:
        raise InvalidInput(f"values of shape {a.shape} and {b.shape}: wanted one each of the same users")
    means = resampled_means((b - a)[:, None], seed, n_resamples)[:, 0]
    return difference_of(float((b - a).mean()), means, alpha)


def difference_of(mean: float, means: Matrix, alpha: float = 0.05) -> PairedDifference:
    """Judge a mean difference by (R,) differences of resampled means, which several pairs may share.

    The p-value is twice the share of resamples on the other side of 0, ties counted, and at least that of one
    resample more.

    >>> difference_of(1.0, np.array([0.5, 1.0, 1.5]), alpha=0.5)
    PairedDifference(mean=1.0, interval=(0.75, 1.25), p_value=0.5)
    """
    n_other_side = min(int((means <= 0).sum()), int((means >= 0).sum()))
    p_value = min(1.0, 2 * (n_other_side + 1) / (len(means) + 1))
    return PairedDifference(mean, _percentiles(means, alpha), p_value)


def _percentiles(means: NDArray[np.float64], alpha: float) -> Bounds:
    low, high = np.quantile(means, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)
