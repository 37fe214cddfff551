"""Same-day counts: how many users chose two items on the same day."""

from collections import Counter, OrderedDict
from collections.abc import Sequence, Set
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents, Retracted
from streamrec.domain.rows.marked_rows import GoneRows, Marks
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored
from streamrec.domain.similarity.neighbour_table import NOBODY, NeighbourTable

Rows = NDArray[np.int64]

N_KEPT = 64
"""Neighbours counted for an item, 12 bytes each. Of MovieLens one in 20 of the ten best is missed; with twice
as many it is one in 100."""

_DAY_S = 86_400

_MOST_USER_DAYS = 100_000
"""Days that may still go on, 20 to 60 MB; what comes later for an older one begins it anew."""

_USER_BITS = 32
"""A day's key holds the day above its user's row: a tuple each would cost as much as the day itself."""


class SameDayNeighbours(NamedTuple):
    """Neighbours of R items, most often first.

    Attributes
    ----------
    rows
        (R, k) item rows, -1 where there are no more.
    counts
        (R, k) pairs of a user and a day that have both items.
    """

    rows: Rows
    counts: Rows


class SameDayCounts(StatePart):
    """Counts each pair of different items once for each user and each day (UTC) that has both.

    Events may come in any order. Nothing fades. An item has a bounded number of neighbours, so that counts
    of rare ones are too low where it has more (see `NeighbourTable`).

    Parameters
    ----------
    n_items_a_day
        Items of a user's day that are paired with one another; further ones do not count: a bot would pair
        all items with one another. 0: nothing is counted.

    >>> counts = SameDayCounts()
    >>> counts.add(np.array([1, 1, 1]), np.array([0, 5, 0]), np.array([10.0, 20.0, 30.0])).tolist()
    [0, 5]
    >>> nearest = counts.neighbours(np.array([0]), k=1)
    >>> nearest.rows.tolist(), nearest.counts.tolist()
    ([[5]], [[1]])
    """

    def __init__(self, n_items_a_day: int = 50) -> None:
        self._n_items_a_day = n_items_a_day
        self._table = NeighbourTable(N_KEPT)
        self._days: OrderedDict[int, list[int]] = OrderedDict()
        self._n_of_day: Counter[int] = Counter()
        # Days are gone through as they were when that began: those that come later name nobody who is gone.
        self._keys_at_sweep: list[int] = []
        self._gone_of_days = GoneRows(lambda: len(self._keys_at_sweep), self._clear_days, self._begin_sweep)

    def observe(self, events: ObservedEvents) -> Rows:
        """Count what was chosen, by the calendar, which no clock ahead of its time can spoil for others."""
        chosen = events.choices
        return self.add(chosen.user_rows, chosen.item_rows, chosen.timestamps)

    def add(self, user_rows: Rows, item_rows: Rows, timestamps: NDArray[np.float64]) -> Rows:
        """Count B events; return the distinct item rows whose neighbours changed, ascending.

        Parameters
        ----------
        timestamps
            (B,) Unix seconds.
        """
        if not self._n_items_a_day:
            return np.zeros(0, np.int64)
        gone = set(np.flatnonzero(self._gone_of_days.is_marked).tolist())
        keys = ((timestamps // _DAY_S).astype(np.int64) << _USER_BITS) | user_rows
        ones: list[int] = []
        others: list[int] = []
        for key, item in zip(keys.tolist(), item_rows.tolist(), strict=True):
            before = self._others_of_the_day(key, item, gone)
            ones += [item] * len(before)
            others += before
        there, back = np.array(ones + others, np.int64), np.array(others + ones, np.int64)
        self._table.add(there, back, np.ones(len(there)), np.zeros(len(there), np.bool_))
        return np.unique(there)

    def neighbours(self, rows: Rows, k: int) -> SameDayNeighbours:
        """Return up to `k` items that were chosen on the days of each of (R,) items."""
        is_known = rows < self._table.n_items
        known_ids, known_counts, _ = self._table.of(rows[is_known])
        ids = np.full((len(rows), known_ids.shape[1]), NOBODY)
        counts = np.zeros(ids.shape, np.int64)
        ids[is_known], counts[is_known] = known_ids, known_counts
        best = np.argsort(-counts, axis=1, kind="stable")[:, :k]
        return SameDayNeighbours(
            np.take_along_axis(ids, best, axis=1), np.take_along_axis(counts, best, axis=1)
        )

    def forget_users(self, rows: Rows) -> None:
        """Forget what users chose on days that may still go on; what was counted stays: it names no user."""
        users = set(rows.tolist())
        if len(users) * len(self._n_of_day) < len(self._days):
            keys = [(day << _USER_BITS) | user for user in users for day in self._n_of_day]
            self._drop([key for key in keys if key in self._days])
        else:
            of_user = (1 << _USER_BITS) - 1
            self._drop([key for key in self._days if key & of_user in users])

    def retract(self, pairs: Retracted) -> None:
        """Pair items with no others of their users' days from now on; what was counted stays."""
        for user, item in zip(*map(np.ndarray.tolist, pairs.known), strict=True):
            for day in self._n_of_day:
                chosen = self._days.get((day << _USER_BITS) | user)
                if chosen is not None and item in chosen:
                    chosen.remove(item)

    def naming(self, rows: Rows) -> Rows:
        """Return the rows that have any of these among their neighbours."""
        return self._table.naming(rows)

    def forget_items(self, rows: Rows) -> Rows:
        """Remove items; return their own rows, ascending."""
        self._gone_of_days.mark(rows)
        return self._table.forget(rows)

    @property
    def swept(self) -> list[GoneRows]:
        """Items that may stand as neighbours still, or on days that may still go on."""
        return [self._table.gone, self._gone_of_days]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint."""
        days = self._days
        return {
            "days": np.fromiter(days, np.int64, len(days)),
            "n_chosen": np.fromiter(map(len, days.values()), np.int32, len(days)),
            "chosen": np.fromiter(chain.from_iterable(days.values()), np.int32),
            **self._table.arrays(),
        }

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over what `arrays` returned; nothing where nothing is counted any more."""
        if not self._n_items_a_day:
            return
        sizes = stored(arrays, "n_chosen", np.int64, None)
        keys = stored(arrays, "days", np.int64, len(sizes)).tolist()
        chosen = stored(arrays, "chosen", np.int64, int(sizes.sum())).tolist()
        ends = np.cumsum(sizes).tolist()
        self._table.load_arrays(arrays)
        self._days = OrderedDict(
            (key, chosen[start:end]) for key, start, end in zip(keys, [0, *ends], ends, strict=False)
        )
        self._n_of_day = Counter(key >> _USER_BITS for key in keys)

    def _others_of_the_day(self, key: int, item: int, gone: Set[int]) -> list[int]:
        """Return the user's items of the day so far; none when this one is among them: it counted then."""
        chosen = self._days.get(key)
        if chosen is None:
            chosen = self._days[key] = []
            self._n_of_day[key >> _USER_BITS] += 1
            if len(self._days) > _MOST_USER_DAYS:
                self._drop([next(iter(self._days))])
        else:
            self._days.move_to_end(key)
        if item in chosen or len(chosen) == self._n_items_a_day:
            return []
        others = [other for other in chosen if other not in gone] if gone else chosen.copy()
        chosen.append(item)
        return others

    def _drop(self, keys: Sequence[int]) -> None:
        for key in keys:
            del self._days[key]
            day = key >> _USER_BITS
            self._n_of_day[day] -= 1
            if not self._n_of_day[day]:
                del self._n_of_day[day]

    def _begin_sweep(self) -> None:
        self._keys_at_sweep = list(self._days)

    def _clear_days(self, numbers: Rows, is_gone: Marks) -> None:
        gone = set(np.flatnonzero(is_gone).tolist())
        for number in numbers.tolist():
            chosen = self._days.get(self._keys_at_sweep[number])
            if chosen is not None and not gone.isdisjoint(chosen):
                chosen[:] = [item for item in chosen if item not in gone]
