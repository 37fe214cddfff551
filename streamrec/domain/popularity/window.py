"""A window of popularity: counts that fade at a pace of their own."""

import re

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.recent_pairs import N_SLOTS, PairVisits, UserPairs
from streamrec.domain.popularity.fading import FadingScale
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.state_part import Arrays
from streamrec.domain.rows.stored import stored
from streamrec.errors import UnfitState

EVENTS_PATTERN = r"^[1-9][0-9]* events$"
"""A half-life that is counted in events: "1000 events"."""

HalfLife = float | str | None
"""Seconds; or events, as `EVENTS_PATTERN` says; or None, for never."""


class Window:
    """Counts by item row, and what each recent pair has added to them.

    Attributes
    ----------
    counts
        (I,) as they are kept, see `FadingScale`; rows never counted may be missing at the end.
    """

    def __init__(self, half_life: HalfLife) -> None:
        self.is_in_events = isinstance(half_life, str)
        self.counts = np.zeros(0)
        self._added = np.zeros(N_SLOTS)
        self._scale = FadingScale(_in_events(half_life) if isinstance(half_life, str) else half_life)

    def reach(self, time: float) -> float:
        """Go on to a time, if it is later; return what all was multiplied by that is kept: mostly 1."""
        factor = self._scale.reach(time)
        if factor != 1.0:
            self.counts *= factor
            self._added *= factor
        return factor

    def add(
        self, visits: PairVisits, times: NDArray[np.float64], weights: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Raise what each pair has added to what its strongest visit is worth; return (D,) by how much."""
        self.reach(float(times.max()))
        before = np.where(visits.is_known, self._added[visits.slots], 0.0)
        after = before.copy()
        np.maximum.at(after, visits.of_event, self._scale.seen_from_origin(weights, times))
        self._added[visits.slots] = after  # of several stays in a slot the last one is kept
        self.counts = grown(self.counts, int(visits.item_rows.max()) + 1)
        np.add.at(self.counts, visits.item_rows, after - before)
        return after - before

    def added(self, slots: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (P,) what the pairs of slots have added."""
        return self._added[slots]

    def forget_items(self, rows: NDArray[np.int64]) -> None:
        """Set the counts of items to zero."""
        self.counts[rows[rows < len(self.counts)]] = 0

    def take_back(self, gone: UserPairs) -> None:
        """Subtract what (P,) pairs added to their items."""
        slots, item_rows = gone.slots, gone.item_rows
        # A window that began later than the pairs may never have counted some of the items.
        self.counts = grown(self.counts, int(item_rows.max(initial=-1)) + 1)
        np.subtract.at(self.counts, item_rows, self._added[slots])
        self.counts[item_rows] = np.maximum(self.counts[item_rows], 0.0)  # of rounding
        self._added[slots] = 0.0

    def scores(self) -> NDArray[np.float64]:
        """Return (I,) counts as of the newest event."""
        return self.counts * self.worth_now()

    def worth_now(self) -> float:
        """Return what to multiply a kept count by, to have it as of the newest event."""
        return self._scale.worth_now()

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the state, for a checkpoint."""
        of_kind = {"is_in_events": np.array([float(self.is_in_events)])}
        return {"counts": self.counts, "added": self._added, **self._scale.arrays(), **of_kind}

    def load_arrays(self, arrays: Arrays, n_events: float) -> None:
        """Take over copies of what `arrays` returned, when so many events had been counted in all."""
        counts = stored(arrays, "counts", np.float64, None)
        added = stored(arrays, "added", np.float64, N_SLOTS)
        if _was_in_events(arrays, n_events) != self.is_in_events:
            raise UnfitState(f"its half-life was in {'seconds' if self.is_in_events else 'events'}")
        factor = self._scale.load_arrays(arrays)
        self.counts, self._added = counts * factor, added * factor


def _was_in_events(arrays: Arrays, n_events: float) -> bool:
    """Return whether a stored window counted in events."""
    if "is_in_events" in arrays:
        return bool(stored(arrays, "is_in_events", np.float64, 1)[0])
    # Stored before the kind was: the clock of a window in events stands at their number.
    return float(stored(arrays, "clock", np.float64, 2)[0]) == n_events


def _in_events(half_life: str) -> float:
    if not re.match(EVENTS_PATTERN, half_life):
        raise ValueError(f"a half-life in events reads like '1000 events', not {half_life!r}")
    return float(half_life.split()[0])
