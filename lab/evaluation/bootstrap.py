"""Intervals by resampling users, of values that not every user has."""

from typing import NamedTuple

import numpy as np

from lab.evaluation.accuracy import Values
from streamrec.experiments.statistics.bootstrap import resampled_means


class Estimate(NamedTuple):
    """A mean over users, and the interval of its resampled values."""

    mean: float
    low: float
    high: float


def means_of_resamples(values: Values, n_resamples: int, seed: int) -> Values:
    """Return (R, V) means of (U, V) values over users drawn with replacement, all V by the same draws.

    The means of one resample can be subtracted from each other: they are of the same users. NaN is no value
    of that user; it is NaN as well where nobody drawn has one.
    """
    is_known = ~np.isnan(values)
    both = np.concatenate([np.where(is_known, values, 0.0), is_known], axis=1)
    totals, shares = np.split(resampled_means(both, seed, n_resamples), 2, axis=1)
    means: Values = np.divide(totals, shares, out=np.full_like(totals, np.nan), where=shares > 0)
    return means


def estimate(values: Values, means: Values, alpha: float) -> Estimate:
    """Return the mean of (U,) values, with the interval of (R,) resampled means at level 1 - alpha."""
    low, high = np.nanquantile(means, [alpha / 2, 1 - alpha / 2])
    return Estimate(float(np.nanmean(values)), float(low), float(high))
