"""Minutes of a batch of ticks, each once, to be added to those that are held."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.bars.bar import FIGURES, MINUTE_S

_AT = [("open_at", "<u4"), ("close_at", "<u4")]
"""Times of the first and last tick within the minute, in 2^-32 minutes: finer than float64 holds times."""

TALLY = np.dtype([("minute", "<i4"), ("count", "<u4"), *_AT, *FIGURES])
"""A minute of an item; without ticks its count is 0."""


class Minutes(NamedTuple):
    """A batch's minutes: (C,) cells and (C,) tallies, without sums.

    Attributes
    ----------
    ticks, of_tick
        (T,) ticks that are in them, in the order in which they arrived, and in which of the minutes each is.
    """

    cells: NDArray[np.int64]
    tallies: NDArray[Any]
    ticks: NDArray[np.int64]
    of_tick: NDArray[np.int64]


def minutes_of(
    rows: NDArray[np.int64], times: NDArray[np.float64], values: NDArray[np.float64], window: int
) -> Minutes:
    """Return the minutes of (B,) ticks in these rows, each cell once."""
    minutes = (times // MINUTE_S).astype(np.int64)
    keys = rows << 32 | minutes
    order = np.lexsort((times, keys))  # stable: at one moment, the order of arrival
    keys, values, minutes = keys[order], values[order], minutes[order]
    within = ((times[order] - minutes * MINUTE_S) * (2.0**32 / MINUTE_S)).astype(np.uint32)
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    last = np.append(first[1:], len(keys)) - 1
    tallies = np.zeros(len(first), TALLY)
    tallies["minute"], tallies["count"] = minutes[first], last - first + 1
    tallies["open"], tallies["close"] = values[first], values[last]
    tallies["open_at"], tallies["close_at"] = within[first], within[last]
    tallies["high"] = np.maximum.reduceat(values, first)
    tallies["low"] = np.minimum.reduceat(values, first)
    cells = rows[order[first]] * window + minutes[first] % window
    of_tick = np.empty(len(rows), np.int64)
    of_tick[order] = np.repeat(np.arange(len(first)), tallies["count"])
    found = Minutes(cells, tallies, np.arange(len(rows)), of_tick)
    is_within = minutes.max() - minutes.min() < window
    return found if is_within else _last_of_each_cell(found, np.maximum.reduceat(order, first))


def _last_of_each_cell(minutes: Minutes, arrivals: NDArray[np.int64]) -> Minutes:
    """Return of several minutes of one cell the one whose last tick, (C,) `arrivals`, arrived last."""
    order = np.lexsort((arrivals, minutes.cells))
    newest = order[np.append(np.diff(minutes.cells[order]) != 0, [True])]
    number = np.full(len(order), -1)
    number[newest] = np.arange(len(newest))
    of_tick = number[minutes.of_tick]
    ticks = np.flatnonzero(of_tick >= 0)
    return Minutes(minutes.cells[newest], minutes.tallies[newest], ticks, of_tick[ticks])
