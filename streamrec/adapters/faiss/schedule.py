"""Schedule of the index: when it changes its way of searching, and when it is tuned anew."""

import math
import time
from collections.abc import Callable
from enum import Enum

EXACT_UP_TO = 20_000
"""Rows looked at one by one in .3 ms; beyond, lists are faster and worth their building."""

_GROWN = 2
_SHRUNKEN = 0.25
_CHANGED = 0.25
_STRAINED = 2

_TUNING_SHARE = 0.05
"""Of one core, spent on tuning at most: a stream may move every vector within seconds, and an index that is
tuned without end answers late, though its recall moves little from one tuning to the next."""


class Task(Enum):
    """Maintenance that the index needs."""

    NOTHING = "nothing"
    FLATTEN = "look at every row again"
    BUILD = "cluster the rows into lists"
    TUNE = "measure how many lists must be looked at"


class Schedule:
    """Remembers what the index was like when it was built and tuned, and says what it needs now.

    >>> schedule = Schedule()
    >>> schedule.task(is_clustered=False, n_rows=30_000, n_changes=30_000)
    <Task.BUILD: 'cluster the rows into lists'>
    >>> schedule.note_build(n_rows=30_000, n_changes=30_000, n_probes=40)
    >>> schedule.task(is_clustered=True, n_rows=30_000, n_changes=50_000)
    <Task.TUNE: 'measure how many lists must be looked at'>

    Parameters
    ----------
    clock
        Seconds; only differences count.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tune_due = -math.inf
        self._n_rows_built = 0
        self._n_probes_built = 0
        self._n_changes_tuned = 0

    def task(self, *, is_clustered: bool, n_rows: int, n_changes: int) -> Task:
        """Return what the index needs; `n_changes` counts from its start."""
        if not is_clustered:
            return Task.BUILD if n_rows > EXACT_UP_TO else Task.NOTHING
        # Half: an index whose size swings about the threshold must not be built again and again.
        if n_rows < EXACT_UP_TO // 2:
            return Task.FLATTEN
        if not _SHRUNKEN * self._n_rows_built <= n_rows <= _GROWN * self._n_rows_built:
            return Task.BUILD
        is_changed = n_changes - self._n_changes_tuned > _CHANGED * n_rows
        return Task.TUNE if is_changed and self._clock() >= self._tune_due else Task.NOTHING

    def note_build(self, n_rows: int, n_changes: int, n_probes: int) -> None:
        """Remember a build of `n_rows` after `n_changes`, and how many lists it must look at."""
        self._n_rows_built = n_rows
        self._n_probes_built = n_probes
        self._n_changes_tuned = n_changes

    def note_tuning(self, n_changes: int, took_s: float) -> None:
        """Remember that the index was tuned after so many changes, and how long that took."""
        self._n_changes_tuned = n_changes
        self._tune_due = self._clock() + took_s / _TUNING_SHARE

    def is_strained(self, n_probes: int) -> bool:
        """Return whether so many lists must be looked at that new ones are worth their building.

        They are when the vectors have moved away from where the centroids were learned.
        """
        return n_probes > _STRAINED * self._n_probes_built
