"""The order in which users and items were last heard of: the longest silent are evicted first."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored

Rows = NDArray[np.int64]


class TouchedRows:
    """Time at which each row was last touched, as a count of events, which no clock can set back.

    Attributes
    ----------
    by_row
        (N,) how many events had been taken in then.

    >>> touched = TouchedRows()
    >>> touched.touch(np.array([0, 2, 1]), 3)
    >>> touched.touch(np.array([0]), 4)
    >>> touched.longest_ago(np.array([0, 1, 2]), 2).tolist()
    [2, 1]
    """

    def __init__(self, by_row: Rows | None = None) -> None:
        self.by_row = np.zeros(0, np.int64) if by_row is None else by_row

    def touch(self, rows: Rows, n_events: int) -> None:
        """Note (B,) rows, one after the other, touched by the last of so many events."""
        self.by_row = grown(self.by_row, int(rows.max(initial=-1)) + 1)
        self.by_row[rows] = np.arange(n_events - len(rows), n_events)

    def at(self, row: int) -> int:
        """Return how many events had been taken in when a row was touched last."""
        return int(self.by_row[row]) if row < len(self.by_row) else 0

    def longest_ago(self, rows: Rows, n: int) -> Rows:
        """Return the `n` of these rows that were touched longest ago, those first."""
        self.by_row = grown(self.by_row, int(rows.max(initial=-1)) + 1)
        found: Rows = rows[np.argsort(self.by_row[rows], kind="stable")[:n]]
        return found


class Touched(StatePart):
    """Times at which users' and items' rows were last touched, as a part of the trainer's state.

    Rows are not cleared when they are forgotten: their next owners touch them at once.
    """

    def __init__(self) -> None:
        self.users, self.items = TouchedRows(), TouchedRows()

    def observe(self, events: ObservedEvents) -> None:
        """Note the rows of users, and of items that were chosen."""
        self.users.touch(events.user_rows, events.number)
        self.items.touch(events.choices.item_rows, events.number)

    def arrays(self) -> dict[str, Rows]:
        """Return the state, for a checkpoint."""
        return {"users": self.users.by_row, "items": self.items.by_row}

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned."""
        users, items = (stored(arrays, name, np.int64, None) for name in ("users", "items"))
        self.users.by_row, self.items.by_row = users, items
