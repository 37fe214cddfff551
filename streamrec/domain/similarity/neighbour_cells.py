"""Memory of a table of neighbours, and the loops over it, compiled.

What is kept of a set lies side by side: to count a pair touches two lines of the processor's cache and one
page, wherever in the table it is. Three tables would take three of each, and beside a process that was forked
off a copy of three pages.
"""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, inlined
from streamrec.domain.rows.marked_rows import is_among

N_WAYS = 8
"""Slots of a set: eight 4-byte rows lie in half a line of the processor's cache."""

IDS, WEIGHTS, FOLLOWING = 0, 1, 2
"""Columns of a set: rows of neighbours plus one, 0 in a free slot; what the pairs weigh; how much of it came
after."""

Rows = NDArray[np.int64]
Cells = NDArray[np.int32]
"""(N, S, 3, `N_WAYS`): of N items S sets, each with its columns. Weights are float32 in the same memory."""

Floats = NDArray[np.float32]


@compiled
def raise_known(
    cells: Cells,
    weights: Floats,
    items: Rows,
    neighbours: Rows,
    gains: NDArray[np.float64],
    is_after: NDArray[np.bool_],
) -> Rows:
    """Add (P,) gains to the pairs that are there; return the positions of the others.

    Parameters
    ----------
    weights
        The cells, as float32.
    """
    n_sets, others, n_others = cells.shape[1], np.empty(len(items), np.int64), 0
    for p in range(len(items)):
        item, one, id_ = items[p], neighbours[p] % n_sets, np.int32(neighbours[p] + 1)
        found = -1
        for way in range(N_WAYS):
            if cells[item, one, IDS, way] == id_:
                found = way
        if found >= 0:
            gain = np.float32(gains[p])
            weights[item, one, WEIGHTS, found] += gain
            if is_after[p]:
                weights[item, one, FOLLOWING, found] += gain
        else:
            others[n_others] = p
            n_others += 1
    return others[:n_others]


@compiled
def admit(
    cells: Cells,
    weights: Floats,
    sets: Rows,
    newcomers: Rows,
    gains: NDArray[np.float64],
    gains_after: NDArray[np.float64],
) -> None:
    """Let (P,) newcomers, ascending by set, compete for the slots of their sets, the heaviest first.

    No more of a set than it has slots: the others would drive out what just came in. See
    `streamrec.domain.rows.lightest` for who wins.

    Parameters
    ----------
    sets
        (P,) items times S plus the set.
    """
    n_sets, is_done, start = cells.shape[1], np.zeros(len(sets), np.bool_), 0
    while start < len(sets):
        stop = start + 1
        while stop < len(sets) and sets[stop] == sets[start]:
            stop += 1
        for _ in range(min(stop - start, N_WAYS)):
            heaviest = -1
            for p in range(start, stop):
                if not is_done[p] and (heaviest < 0 or gains[p] > gains[heaviest]):
                    heaviest = p
            is_done[heaviest] = True
            at = sets[start] // n_sets, sets[start] % n_sets
            _compete(cells, weights, at, newcomers[heaviest], (gains[heaviest], gains_after[heaviest]))
        start = stop


@inlined
def _compete(
    cells: Cells, weights: Floats, at: tuple[int, int], newcomer: int, gains: tuple[float, float]
) -> None:
    """Let a newcomer take the lightest slot of an item's set, or wear it down."""
    (item, one), lightest, gain = at, 0, np.float32(gains[0])
    for way in range(1, N_WAYS):
        if weights[item, one, WEIGHTS, way] < weights[item, one, WEIGHTS, lightest]:
            lightest = way
    left = weights[item, one, WEIGHTS, lightest] - gain
    if left <= 0:
        cells[item, one, IDS, lightest] = np.int32(newcomer + 1)
        weights[item, one, WEIGHTS, lightest] = gain
        weights[item, one, FOLLOWING, lightest] = np.float32(gains[1])
    else:
        weights[item, one, WEIGHTS, lightest] = left


@compiled
def have(cells: Cells, sets: Rows, is_marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (N,) which items have any marked row as a neighbour, in some of the sets."""
    is_found = np.zeros(cells.shape[0], np.bool_)
    for i in range(cells.shape[0]):
        for one in sets:
            for way in range(N_WAYS):
                is_found[i] |= is_among(cells[i, one, IDS, way] - np.int32(1), is_marked)
    return is_found


@compiled
def take_out(cells: Cells, items: Rows, sets: Rows, is_marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Free the slots of (R,) items that hold marked rows in some sets; return (R,) which had any."""
    has_lost = np.zeros(len(items), np.bool_)
    for r in range(len(items)):
        for one in sets:
            for way in range(N_WAYS):
                if is_among(cells[items[r], one, IDS, way] - np.int32(1), is_marked):
                    cells[items[r], one, :, way] = 0
                    has_lost[r] = True
    return has_lost
