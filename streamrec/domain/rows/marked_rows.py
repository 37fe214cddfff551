"""Marked rows, and large tables that may name them: what is gone is looked for a part at a time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled_in_place, inlined
from streamrec.domain.rows.growing import grown

Rows = NDArray[np.int64]
Marks = NDArray[np.bool_]

_NOBODY = -1

_N_PARTS = 64
"""Of a large table: a part is what one round of the loop goes through."""

_LEAST_PART = 1024
"""Lines; to go through fewer takes no time worth sharing out."""


def marked(rows: NDArray[np.int64]) -> Marks:
    """Return (N,) which rows are among these; the last entry is false and stands for all rows from there on.

    >>> marked(np.array([2, 0, 2])).tolist()
    [True, False, True, False]
    """
    is_marked = np.zeros(int(rows.max(initial=_NOBODY)) + 2, np.bool_)
    is_marked[rows] = True
    return is_marked


@inlined
def is_among(row: np.int32, is_marked: Marks) -> bool:
    """Return whether a row, or -1, is marked.

    Without a branch, which the processor would guess wrong for every other row: as a number without a sign -1
    is beyond all rows.
    """
    found: bool = is_marked[min(np.uint32(row), np.uint32(len(is_marked) - 1))]
    return found


@compiled_in_place
def clear_lines(table: NDArray[np.int32], lines: NDArray[np.int64], is_marked: Marks) -> None:
    """Set all entries of (L,) lines of a (N, M) table that hold marked rows to -1.

    >>> table = np.array([[3, 5], [7, 3], [3, 3]], np.int32)
    >>> clear_lines(table, np.array([0, 1]), marked(np.array([3])))
    >>> table.tolist()
    [[-1, 5], [7, -1], [3, 3]]
    """
    for line in lines:
        for j in range(table.shape[1]):
            if is_among(table[line, j], is_marked):
                table[line, j] = _NOBODY


class GoneRows:
    """Rows that a table's lines may name, and its lines that are to be cleared of them.

    Whoever reads lines clears them before (`clear`). A row may get a new owner once all lines that there were
    when it was marked have been gone through since.

    Parameters
    ----------
    n_lines
        Returns how many lines the table has.
    clear
        Takes marked rows, by their (N,) marks, out of (L,) lines; returns which lines' neighbours changed, if
        they have any.
    begin
        Called before the first line is gone through.

    Attributes
    ----------
    is_marked
        (N,) by row; the last entry is false and stands for all rows from there on.

    >>> table = np.array([[3, 5], [7, 3]])
    >>> def clear(lines, is_marked):
    ...     table[lines] = np.where(is_marked[np.minimum(table[lines], len(is_marked) - 1)], -1, table[lines])
    >>> gone = GoneRows(lambda: len(table), clear)
    >>> gone.mark(np.array([3]))
    >>> gone.clear(np.array([1]))
    >>> table.tolist(), bool(gone)
    ([[3, 5], [7, -1]], True)
    >>> gone.begin()
    >>> gone.go_on()
    >>> gone.settle(np.array([3]))
    >>> table.tolist(), bool(gone)
    ([[-1, 5], [7, -1]], False)
    """

    def __init__(
        self,
        n_lines: Callable[[], int],
        clear: Callable[[Rows, Marks], Rows | None],
        begin: Callable[[], None] | None = None,
    ) -> None:
        self._n_lines, self._clear, self._begin = n_lines, clear, begin
        self.is_marked = np.zeros(1, np.bool_)
        self._n_through = self._n_wanted = 0

    def __bool__(self) -> bool:
        """Whether any row is marked."""
        return len(self.is_marked) > 1

    def mark(self, rows: Rows) -> None:
        """Mark (R,) rows."""
        if len(rows):
            self.is_marked = grown(self.is_marked, int(rows.max()) + 2)
            self.is_marked[rows] = True

    def clear(self, lines: Rows) -> None:
        """Clear (L,) lines that are about to be read; lines may be beyond those there are."""
        if self:
            self._clear(lines[lines < self._n_lines()], self.is_marked)

    def begin(self) -> None:
        """Begin to go through all lines that there are: later ones name nothing that was gone before."""
        if self._begin is not None:
            self._begin()
        self._n_through, self._n_wanted = 0, self._n_lines()

    def go_on(self) -> Rows | None:
        """Clear the next lines; return those whose neighbours changed, if lines have such."""
        first, n_lines = self._n_through, self._n_wanted
        self._n_through = min(n_lines, first + max(_LEAST_PART, n_lines // _N_PARTS))
        return self._clear(np.arange(first, self._n_through), self.is_marked)

    @property
    def is_through(self) -> bool:
        """Whether all lines were gone through that there were."""
        return self._n_through >= self._n_wanted

    def settle(self, rows: Rows) -> None:
        """Mark (R,) rows no longer: they are named nowhere."""
        self.is_marked[rows[rows < len(self.is_marked)]] = False
        if not self.is_marked.any():
            self.is_marked = np.zeros(1, np.bool_)
