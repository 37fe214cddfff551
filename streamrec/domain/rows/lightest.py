"""Counts of many things in few slots: newcomers to a full set compete for the slot of its lightest entry.

A newcomer takes its own weight off the lightest entry, and its slot once nothing is left of it (Misra and
Gries 1982, Finding repeated elements, with the decrement on one counter instead of all): what comes again and
again gets in, what came once does not drive out what came often. Weights are (N, W) tables, or whatever has
their shape when flat: N sets of W slots.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def one_of_each_set(sets: Rows, weights: NDArray[Any], n_slots: int) -> Iterator[Rows]:
    """Yield positions of (Q,) newcomers, of each set one at a time, the heaviest first.

    No more of a set than it has slots: the others would drive out what just came in.

    >>> rounds = one_of_each_set(np.array([3, 3, 5]), np.array([1.0, 2.0, 1.0]), 8)
    >>> [positions.tolist() for positions in rounds]
    [[1, 2], [0]]
    """
    order = np.lexsort((-weights, sets))
    starts = np.flatnonzero(np.diff(sets[order], prepend=-1))
    lengths = np.diff(starts, append=len(order))
    for number in range(min(int(lengths.max()), n_slots)):
        yield order[starts[lengths > number] + number]


def compete(
    table: NDArray[Any], n_slots: int, sets: Rows, weights: NDArray[Any]
) -> tuple[Rows, NDArray[np.bool_]]:
    """Let (Q,) newcomers, each to another set, take the lightest entry's slot in a table or wear it down.

    Returns
    -------
    slots
        (Q,) the slot competed for, in the flat table.
    is_in
        (Q,) whether it was taken; its weight is the newcomer's then.

    >>> table = np.array([[3.0, 2.0], [1.0, 5.0]])
    >>> slots, is_in = compete(table, 2, np.array([0, 1]), np.array([1.5, 4.0]))
    >>> slots.tolist(), is_in.tolist(), table.tolist()
    ([1, 2], [False, True], [[3.0, 0.5], [4.0, 5.0]])
    """
    flat = table.reshape(-1)
    slots = sets * n_slots + flat.reshape(-1, n_slots)[sets].argmin(axis=1)
    left = flat[slots] - weights
    is_in = left <= 0
    flat[slots] = np.where(is_in, weights, left)
    return slots, is_in
