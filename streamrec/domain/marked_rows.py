"""Search of whole tables for many rows at once: it costs the same however many they are."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.compiled import compiled

_NOBODY = -1


def marked(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (N,) which rows are among these; N ends with the largest of them.

    >>> marked(np.array([2, 0, 2])).tolist()
    [True, False, True]
    """
    is_marked = np.zeros(int(rows.max(initial=_NOBODY)) + 1, np.bool_)
    is_marked[rows] = True
    return is_marked


@compiled
def free_places(table: NDArray[np.int32], is_marked: NDArray[np.bool_]) -> None:
    """Set all places of a (N, M) table that hold marked rows to -1."""
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            row = table[i, j]
            if 0 <= row < len(is_marked) and is_marked[row]:
                table[i, j] = _NOBODY


@compiled
def have_marked(table: NDArray[np.int32], is_marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (N,) which lines of a (N, M) table hold any marked row."""
    is_found = np.zeros(table.shape[0], np.bool_)
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            row = table[i, j]
            if 0 <= row < len(is_marked) and is_marked[row]:
                is_found[i] = True
                break
    return is_found
