"""Items that were shown to users since they last chose something, as the loops that learn keep them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled_in_place, inlined
from streamrec.domain.rows.growing import grown, roomy
from streamrec.domain.rows.marked_rows import GoneRows, Marks, clear_lines

Rows = NDArray[np.int64]
Row = int | np.integer[Any]

_NOTHING = -1

_MOST_COUNTED = 1 << 20
"""Times that a ring is gone round before the count starts over, at a multiple of its length."""


class ShownTables(NamedTuple):
    """Memory of what was shown, for the loops that learn.

    Attributes
    ----------
    rings
        (U, L) item rows, -1 where one was that is forgotten; of no user and no length where nothing is kept.
    counts
        (U,) of each user, one more than the items shown since the last choice; 0: has chosen nothing yet.
    """

    rings: NDArray[np.int32]
    counts: NDArray[np.int32]


def _empty(length: int) -> ShownTables:
    return ShownTables(np.zeros((0, length), np.int32), np.zeros(0, np.int32))


class ShownItems:
    """The newest items that were shown to each user since that user's last choice: 4 L + 4 bytes a user.

    Before the first choice nothing is kept, so that whoever only looks takes no room.

    Parameters
    ----------
    length
        Items of a user; 0: nothing is kept, and no memory taken.

    Attributes
    ----------
    gone
        Items that were forgotten, and that rings may hold still.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self._tables = _empty(length)
        self.gone = GoneRows(lambda: len(self._tables.rings), self._clear)

    def tables(self, n_users: int) -> ShownTables:
        """Return the memory itself, with room for so many users."""
        if self.length:
            rings, counts = self._tables
            self._tables = ShownTables(grown(rings, n_users), grown(counts, n_users))
        return self._tables

    def begin(self, user_rows: Rows) -> None:
        """Note that (B,) users have chosen something: what they are shown from now on counts."""
        if self.length:
            begin(self.tables(int(user_rows.max(initial=-1)) + 1), user_rows)

    def items_of(self, user_row: int) -> list[int]:
        """Return the rows that were shown to a user since the last choice, newest first."""
        rings, counts = self._tables
        if user_row >= len(counts):
            return []
        self.gone.clear(np.array([user_row]))
        n_shown = int(counts[user_row]) - 1
        ring = rings[user_row].tolist()
        newest = (ring[(n_shown - back) % self.length] for back in range(1, min(n_shown, self.length) + 1))
        return [row for row in newest if row >= 0]

    def forget_users(self, rows: Rows) -> None:
        """Let users have chosen nothing yet, and nothing be shown to them."""
        self._tables.counts[rows[rows < len(self._tables.counts)]] = 0

    def forget_items(self, rows: Rows) -> None:
        """Leave (R,) items out of all rings, whatever these hold, until the rings were gone through."""
        if self.length:
            self.gone.mark(rows)

    def forget_pairs(self, user_rows: Rows, item_rows: Rows) -> None:
        """Let (R,) pairs of a user and an item not have been shown."""
        for user, item in zip(user_rows.tolist(), item_rows.tolist(), strict=True):
            if user < len(self._tables.rings):
                ring = self._tables.rings[user]
                ring[ring == item] = _NOTHING

    def _clear(self, users: Rows, is_gone: Marks) -> None:
        clear_lines(self._tables.rings, users, is_gone)

    def arrays(self) -> dict[str, NDArray[np.int32]]:
        """Return the state, for a checkpoint; empty where nothing is kept."""
        return self._tables._asdict() if self.length else {}

    def load(self, arrays: Mapping[str, NDArray[np.int32]]) -> None:
        """Take over a copy of what `arrays` returned; of none, or of another length, begin with nothing."""
        if self.length:
            is_fit = bool(arrays) and arrays["rings"].shape[1] == self.length
            stored = ShownTables(**arrays) if is_fit else _empty(self.length)
            self._tables = ShownTables(roomy(stored.rings), roomy(stored.counts))


@compiled_in_place
def begin(tables: ShownTables, users: Rows) -> None:
    """Note that (B,) users have chosen something; what was shown to them before counts no more."""
    for user in users:
        tables.counts[user] = 1


@inlined
def put_shown(tables: ShownTables, user: Row, item: Row) -> None:
    """Note that an item was shown to a user who has chosen something before; a repeat makes it the newest."""
    rings, counts = tables
    length = rings.shape[1]
    if user < len(counts) and counts[user] > 0:
        for at in range(min(np.int64(counts[user]) - 1, length)):
            if rings[user, at] == item:
                rings[user, at] = _NOTHING
        rings[user, (counts[user] - 1) % length] = item
        # Where it starts over the ring stays full.
        counts[user] = counts[user] + 1 if counts[user] < _MOST_COUNTED * length else length + 1
