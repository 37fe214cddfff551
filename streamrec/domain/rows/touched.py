"""The order in which users and items were last heard of, as a part of the trainer's state."""

import numpy as np

from streamrec.domain.events.observed import ObservedEvents
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored
from streamrec.domain.rows.touched_rows import Rows, TouchedRows


class Touched(StatePart):
    """Times at which users' and items' rows were last touched: the longest silent are evicted first.

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
