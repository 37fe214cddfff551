"""Search of whole tables for rows: for a few one after the other, for many all at once."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, inlined

_NOBODY = -1

_FEW = 2
"""Rows that take less time one after the other than all at once: eight entries are compared at a time."""

_AT_ONCE = 1024
"""Entries that are compared before any is looked at."""


def marked(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (N,) which rows are among these; the last entry is false and stands for all rows from there on.

    >>> marked(np.array([2, 0, 2])).tolist()
    [True, False, True, False]
    """
    is_marked = np.zeros(int(rows.max(initial=_NOBODY)) + 2, np.bool_)
    is_marked[rows] = True
    return is_marked


@inlined
def is_among(row: np.int32, is_marked: NDArray[np.bool_]) -> bool:
    """Return whether a row, or -1, is marked.

    Without a branch, which the processor would guess wrong for every other row: as a number without a sign -1
    is beyond all rows.
    """
    found: bool = is_marked[min(np.uint32(row), np.uint32(len(is_marked) - 1))]
    return found


def clear_rows(table: NDArray[np.int32], rows: NDArray[np.int64]) -> None:
    """Set all entries of a (N, M) table that hold any of (R,) rows to -1.

    >>> table = np.array([[3, 5], [7, 3]], np.int32)
    >>> clear_rows(table, np.array([3]))
    >>> table.tolist()
    [[-1, 5], [7, -1]]
    """
    if len(rows) > _FEW:
        _clear_marked(table, marked(rows))
        return
    for row in rows.tolist():
        _clear_one(table, np.int32(row))


@compiled
def _clear_one(table: NDArray[np.int32], row: np.int32) -> None:
    entries = table.reshape(table.size)
    for start in range(0, entries.size, _AT_ONCE):
        part = entries[start : start + _AT_ONCE]
        n_found = np.int32(0)
        for i in range(len(part)):
            n_found += np.int32(part[i] == row)
        if n_found:
            for i in range(len(part)):
                if part[i] == row:
                    part[i] = _NOBODY


@compiled
def _clear_marked(table: NDArray[np.int32], is_marked: NDArray[np.bool_]) -> None:
    """Set all entries of a (N, M) table that hold marked rows to -1."""
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            if is_among(table[i, j], is_marked):
                table[i, j] = _NOBODY
