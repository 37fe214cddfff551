"""Table of users: counts, times and dislikes besides the embedding, one row a user."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents, Retracted
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.running import sums_before
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import demand_equal_lengths, stored
from streamrec.domain.users.user import MOST_DISLIKED


class UserTable(StatePart):
    """Counts, times, mean values and dislikes by user row; rows appear as they are touched.

    Attributes
    ----------
    n_events
        (N,) int64, events that took effect (every type of non-zero weight).
    updated_at
        (N,) float64, Unix seconds of the newest event.
    disliked
        Item ids never to be offered again, by user row, oldest first.

    Parameters
    ----------
    max_disliked
        Kept of a user: the newest.
    """

    def __init__(self, max_disliked: int = MOST_DISLIKED) -> None:
        self.max_disliked = max_disliked
        self.n_events = np.zeros(0, np.int64)
        self.updated_at = np.zeros(0)
        self._n_values = np.zeros(0, np.int64)
        self._sum_of_values = np.zeros(0)
        self.disliked: dict[int, OrderedDict[str, None]] = {}

    def observe(self, events: ObservedEvents) -> None:
        """Count what users did, and remember what they dislike; `relative_values` counts values by itself."""
        self.count(events.user_rows, events.timestamps)
        for decision in events.decisions:
            if decision.is_dislike:
                self.dislike(decision.user_row, decision.item_id)
            else:
                self._dislike_no_more(decision.user_row, decision.item_id)

    def count(self, rows: NDArray[np.int64], timestamps: NDArray[np.float64]) -> None:
        """Count one event each for (B,) rows, of which some may be the same."""
        self.grow_to(int(rows.max(initial=-1)) + 1)
        np.add.at(self.n_events, rows, 1)
        np.maximum.at(self.updated_at, rows, timestamps)

    def relative_values(
        self, rows: NDArray[np.int64], values: NDArray[np.float64], bounds: tuple[float, float]
    ) -> NDArray[np.float64]:
        """Return (B,) values over their user's mean so far, within `bounds`; 1 for a NaN or a first value.

        The mean is of the values before the event's own, whether in this batch or earlier.
        """
        self.grow_to(int(rows.max(initial=-1)) + 1)
        is_given = ~np.isnan(values)
        own = np.where(is_given, values, 0.0)
        n_here, total_here = sums_before(rows, is_given.astype(np.float64), own)
        n = self._n_values[rows] + n_here
        total = self._sum_of_values[rows] + total_here
        mean = np.divide(total, n, out=np.zeros(len(rows)), where=n > 0)
        is_comparable = is_given & (mean > 0)
        with np.errstate(over="ignore"):  # too large for a float is beyond the bound
            relative = np.divide(values, mean, out=np.ones(len(rows)), where=is_comparable)
        np.add.at(self._n_values, rows[is_given], 1)
        np.add.at(self._sum_of_values, rows[is_given], values[is_given])
        return np.clip(relative, *bounds)

    def dislike(self, row: int, item_id: str) -> None:
        """Remember a dislike; the oldest goes where there are too many."""
        disliked = self.disliked.setdefault(row, OrderedDict())
        disliked[item_id] = None
        disliked.move_to_end(item_id)
        if len(disliked) > self.max_disliked:
            disliked.popitem(last=False)

    def _dislike_no_more(self, row: int, item_id: str) -> bool:
        """Forget a dislike; return whether there was one."""
        disliked = self.disliked.get(row)
        if disliked is None or item_id not in disliked:
            return False
        del disliked[item_id]
        if not disliked:
            del self.disliked[row]
        return True

    def retract(self, pairs: Retracted) -> None:
        """Take dislikes back, and count the events no more that said what is taken back, as far as known."""
        n_gone = pairs.n_choices.copy()
        for number, (row, item_id) in enumerate(zip(pairs.user_rows.tolist(), pairs.item_ids, strict=True)):
            n_gone[number] += self._dislike_no_more(row, item_id)
        rows = pairs.user_rows
        self.grow_to(int(rows.max(initial=-1)) + 1)
        np.subtract.at(self.n_events, rows, n_gone)
        self.n_events[rows] = np.maximum(self.n_events[rows], 0)
        np.maximum.at(self.updated_at, rows, pairs.timestamps)

    def forget_users(self, rows: NDArray[np.int64]) -> None:
        """Clear rows for their next users."""
        for row in rows.tolist():
            self.disliked.pop(row, None)
        known = rows[rows < len(self.n_events)]
        for column in (self.n_events, self.updated_at, self._n_values, self._sum_of_values):
            column[known] = 0

    def arrays(self) -> dict[str, NDArray[np.int64] | NDArray[np.float64]]:
        """Return the columns, for a checkpoint."""
        return {
            "n_events": self.n_events,
            "updated_at": self.updated_at,
            "n_values": self._n_values,
            "sum_of_values": self._sum_of_values,
        }

    def entries(self) -> list[tuple[int, list[str]]]:
        """Return what is disliked by row, oldest first, for a checkpoint."""
        return [(row, list(item_ids)) for row, item_ids in self.disliked.items()]

    def load_entries(self, entries: Iterable[tuple[int, Sequence[str]]]) -> None:
        """Take over what `entries` returned; of a longer list than is kept, the newest."""
        kept = self.max_disliked
        self.disliked = {row: OrderedDict.fromkeys(item_ids[-kept:]) for row, item_ids in entries}

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned."""
        n_events = stored(arrays, "n_events", np.int64, None)
        updated_at = stored(arrays, "updated_at", np.float64, None)
        n_values = stored(arrays, "n_values", np.int64, None)
        sum_of_values = stored(arrays, "sum_of_values", np.float64, None)
        demand_equal_lengths(
            n_events=len(n_events),
            updated_at=len(updated_at),
            n_values=len(n_values),
            sum_of_values=len(sum_of_values),
        )
        self.n_events, self.updated_at = n_events, updated_at
        self._n_values, self._sum_of_values = n_values, sum_of_values

    def grow_to(self, n_rows: int) -> None:
        """Have at least so many rows."""
        self.n_events = grown(self.n_events, n_rows)
        self.updated_at = grown(self.updated_at, n_rows)
        self._n_values = grown(self._n_values, n_rows)
        self._sum_of_values = grown(self._sum_of_values, n_rows)
