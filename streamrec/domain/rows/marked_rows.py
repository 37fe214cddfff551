"""Search of tables for many rows at once: it costs the same however many they are."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, inlined

_NOBODY = -1


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


@compiled
def clear_marked(table: NDArray[np.int32], is_marked: NDArray[np.bool_]) -> None:
    """Set all entries of a (N, M) table that hold marked rows to -1."""
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            if is_among(table[i, j], is_marked):
                table[i, j] = _NOBODY
