"""Watch over the model: one that ranks worse than counting does says so by itself."""

import math
from collections import deque

import structlog

_WINDOW = 2000
"""Ranked events that are looked back over."""

_STANDARD_ERRORS = 2.0


class ModelWatch:
    """Compares the model's hits with popularity's over the last ranked events, and says when they fall below.

    A model may be dead while lists live on: they take from other sources then.

    Parameters
    ----------
    k
        Length of the lists: a rank below it is a hit.

    >>> watch = ModelWatch(k=10, window=4)
    >>> for _ in range(4):
    ...     watch.note(gmf_rank=50, popularity_rank=0)
    >>> watch.is_below
    False
    """

    def __init__(self, k: int, window: int = _WINDOW) -> None:
        self.is_below = False
        self._k = k
        self._hits: deque[tuple[bool, bool]] = deque(maxlen=window)
        self._n_gmf = self._n_popularity = 0

    def note(self, gmf_rank: int, popularity_rank: int) -> None:
        """Note the ranks of one event's item, from 0."""
        if len(self._hits) == self._hits.maxlen:
            was_gmf, was_popularity = self._hits[0]
            self._n_gmf -= was_gmf
            self._n_popularity -= was_popularity
        hit = gmf_rank < self._k, popularity_rank < self._k
        self._hits.append(hit)
        self._n_gmf += hit[0]
        self._n_popularity += hit[1]
        if len(self._hits) == self._hits.maxlen:
            self._compare()

    def gauges(self) -> dict[str, float]:
        """Return whether the model is below popularity, by metric name."""
        return {"model_below_popularity": float(self.is_below)}

    def _compare(self) -> None:
        """Say when the model falls below popularity, by more than chance does, and when it is back."""
        chance = _STANDARD_ERRORS * math.sqrt(self._n_gmf + self._n_popularity)
        if not self.is_below and self._n_gmf + chance < self._n_popularity:
            self.is_below = True
            structlog.get_logger().error(
                "model_below_popularity",
                n_events=len(self._hits),
                n_hits=self._n_gmf,
                n_hits_of_popularity=self._n_popularity,
                mend="look at the learning settings and at what the stream holds; to start over, run"
                " initial_training.py",
            )
        elif self.is_below and self._n_gmf >= self._n_popularity:
            self.is_below = False
            structlog.get_logger().warning("model_above_popularity_again", n_hits=self._n_gmf)
