"""New items, which few users have had a chance to choose yet."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import demand_equal_lengths, stored

Rows = NDArray[np.int64]

_NEVER = -np.inf


class NewItems(StatePart):
    """Entry time of each item, and how often it was chosen since.

    An item is new while it is younger than `max_age_s` and has fewer than `max_events`.

    Parameters
    ----------
    max_age_s
        Seconds of stream time.
    max_events
        Events; those with a small share, as of a robot, are less than one.

    >>> items = NewItems(max_age_s=100.0, max_events=2.0)
    >>> items.enter(0, now=0.0)
    >>> items.count(np.array([1, 1, 2]), np.array([0.0, 0.0, 50.0]), np.ones(3))
    >>> items.scores(now=50.0).tolist(), items.n_silent
    ([0.5, 0.0, 0.5], 1)
    """

    def __init__(self, max_age_s: float, max_events: float) -> None:
        self._max_age_s = max_age_s
        self._max_events = max_events
        self._entered_at = np.full(0, _NEVER)
        self._n_events = np.zeros(0)
        self._silent: set[int] = set()

    @property
    def n_silent(self) -> int:
        """Number of items that entered and that nobody chose yet."""
        return len(self._silent)

    def enter(self, row: int, now: float) -> None:
        """Note an item that nobody chose yet."""
        self._reach(row)
        self._entered_at[row] = now
        self._silent.add(row)

    def observe(self, events: ObservedEvents) -> None:
        """Count what was chosen."""
        self.count(events.choices.item_rows, events.choices.times, events.choices.shares)

    def count(self, rows: Rows, times: NDArray[np.float64], amounts: NDArray[np.floating]) -> None:
        """Note (B,) events; an item enters with the earliest of them if it did not before.

        Parameters
        ----------
        times
            (B,) seconds of stream time, in any order.
        amounts
            (B,), what each event counts.
        """
        self._reach(int(rows.max(initial=-1)))
        entered_at = self._entered_at[rows]
        has_not = entered_at == _NEVER
        self._entered_at[rows[has_not]] = np.inf
        np.minimum.at(self._entered_at, rows, times)
        np.add.at(self._n_events, rows, amounts)
        if self._silent:
            self._silent.difference_update(rows.tolist())

    def were_chosen(self, rows: Rows) -> NDArray[np.bool_]:
        """Return (B,): which of the rows somebody chose."""
        self._reach(int(rows.max(initial=-1)))
        were_chosen: NDArray[np.bool_] = self._n_events[rows] > 0
        return were_chosen

    def appeared_at(self, now: float) -> NDArray[np.float64]:
        """Return (I,) when each item appeared, in seconds; 0 for those that have not, as of a time."""
        has_appeared = (self._entered_at > _NEVER) & (self._entered_at <= now)
        return np.where(has_appeared, np.maximum(self._entered_at, np.finfo(np.float32).tiny), 0.0)

    def scores(self, now: float) -> NDArray[np.float64]:
        """Return (I,) how much each item should be shown: most of all the youngest and least chosen.

        In (0, 1]; 0 for those that are not new. Rows that never entered may be missing at the end.
        """
        return self._youth(now) / (1 + self._n_events)

    def draws(self, now: float, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return (I,) how much there is to learn of each item; positive for new items, 0 for others.

        Of an item that was chosen n times in a share t of the age of new items, the rate has a gamma
        distribution of shape 1 + n and rate 1 / m + t, where m is the mean rate of all of them. A draw of it
        (Thompson sampling; Chapelle, Li 2011, An empirical evaluation of Thompson sampling) counts by the
        variance over the squared mean, 1 / (1 + n): what is well known is the ranker's to show.
        """
        youth = self._youth(now)
        is_new = youth > 0
        n_events, ages = self._n_events[is_new], 1 - youth[is_new]
        mean = (1 + n_events.sum()) / (1 + ages.sum())
        draws = np.zeros(len(youth))
        drawn = rng.gamma(1 + n_events, 1 / (1 / mean + ages)) / (1 + n_events)
        # A draw may be so small that it is none; the item is new all the same.
        draws[is_new] = np.maximum(drawn, np.finfo(np.float32).tiny)
        return draws

    def _youth(self, now: float) -> NDArray[np.float64]:
        """Return (I,) which share of the age of new items each has left; 0 for those that are not new."""
        youth = 1 - np.maximum(now - self._entered_at, 0.0) / self._max_age_s
        is_new = (youth > 0) & (self._n_events < self._max_events)
        return np.where(is_new, youth, 0.0)

    def forget_items(self, rows: Rows) -> None:
        """Clear rows for their next items."""
        self._silent.difference_update(rows.tolist())
        known = rows[rows < len(self._entered_at)]
        self._entered_at[known] = _NEVER
        self._n_events[known] = 0

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the state, for a checkpoint."""
        return {"entered_at": self._entered_at, "n_events": self._n_events}

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned."""
        entered_at = stored(arrays, "entered_at", np.float64, None)
        n_events = stored(arrays, "n_events", np.float64, None)
        demand_equal_lengths(entered_at=len(entered_at), n_events=len(n_events))
        self._entered_at, self._n_events = entered_at, n_events
        is_silent = (self._entered_at > _NEVER) & (self._n_events == 0)
        self._silent = set(np.flatnonzero(is_silent).tolist())

    def _reach(self, row: int) -> None:
        self._entered_at = grown(self._entered_at, row + 1, fill=_NEVER)
        self._n_events = grown(self._n_events, len(self._entered_at))
