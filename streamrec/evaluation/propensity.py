"""Worth of a question where nobody is to be rewarded for knowing what is in fashion."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.prequential import Events, Rows

WINDOW = 1000
"""Events before a question that say what is in fashion."""


def n_lately(events: Events, window: int = WINDOW) -> Rows:
    """Return (N,) how many of the `window` events before each are of the same item.

    >>> ones = np.ones(4)
    >>> stream = Events(np.arange(4), np.array([0, 0, 1, 0]), ones, ones.astype(np.float32))
    >>> n_lately(stream, window=2).tolist()
    [0, 1, 0, 1]
    """
    n_events = len(events.item_rows)
    # Items one after the other, each with its events in their order: one sorted column for all of them.
    order = np.argsort(events.item_rows, kind="stable")
    span = n_events + window
    keys = events.item_rows[order] * span + order
    counts = np.zeros(n_events, np.int64)
    first = np.searchsorted(keys, np.maximum(keys - window, events.item_rows[order] * span))
    counts[order] = np.arange(n_events) - first
    return counts


def debiased_mean(values: NDArray[np.float64], propensities: NDArray[np.float64]) -> float:
    """Return the mean of (Q,) values, each weighted by the inverse of its propensity; 0 of none.

    The self-normalized inverse propensity estimator (Schnabel et al. 2016, Recommendations as treatments,
    section 3.2; Yang et al. 2018, Unbiased offline recommender evaluation for missing-not-at-random implicit
    feedback, section 3): what the mean would be if every item were chosen as often as any other.

    >>> round(debiased_mean(np.array([1.0, 1.0, 0.0]), np.array([10.0, 10.0, 1.0])), 6)
    0.166667
    """
    weights = 1 / propensities
    return float((values * weights).sum() / weights.sum()) if len(values) else 0.0
