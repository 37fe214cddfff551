"""Loops over the memory of a table of neighbours, compiled.

What is kept of a set lies side by side: to count a pair touches two lines of the processor's cache and one
page, wherever in the table it is. Three tables would take three of each, and beside a process that was forked
off a copy of three pages.

An item's block holds as many sets as its neighbours need: 1, 2, 4 and so on, up to S. While it has fewer than
S, nobody competes: where a set is full, the item gets more. So what stands there is what S sets would hold.
"""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.blocks.block_memory import Blocks, Row, Rows, given_back, length_of, start_of, taken
from streamrec.domain.rows.compiled import compiled, compiled_in_place, inlined
from streamrec.domain.rows.marked_rows import Marks, is_among

N_WAYS = 8
"""Slots of a set: eight 4-byte rows lie in half a line of the processor's cache."""

IDS, WEIGHTS, FOLLOWING = 0, N_WAYS, 2 * N_WAYS
"""First cells of a set's columns: rows of neighbours plus one, 0 in a free slot; what the pairs weigh; how
much of it came after."""

SET_CELLS = 3 * N_WAYS

Floats = NDArray[np.float32]
"""The blocks' cells as float32: what they hold of weights."""


@inlined
def _set_of(blocks: Blocks, item: Row, neighbour: Row) -> np.int64:
    """Return the first cell of the set of an item, which has a block, that a neighbour may stand in."""
    return start_of(blocks, item) + (neighbour % length_of(blocks, item)) * SET_CELLS


@inlined
def _lightest(blocks: Blocks, weights: Floats, item: Row, newcomer: Row) -> Row:
    """Return the cell of the lightest slot of the newcomer's set; -1: the item has no block."""
    lightest: Row = np.int64(-1)
    if blocks.sizes[item]:
        first = _set_of(blocks, item, newcomer)
        lightest = first
        for way in range(first + 1, first + N_WAYS):
            if weights[way + WEIGHTS] < weights[lightest + WEIGHTS]:
                lightest = way
    return lightest


@compiled_in_place
def _add_sets(blocks: Blocks, weights: Floats, item: Row) -> None:
    """Give an item the next larger block."""
    size = np.int64(blocks.sizes[item])
    old, n_old, cells = start_of(blocks, item), blocks.lengths[size], blocks.cells
    unit = taken(blocks, size + 1)
    new, n_new = unit * blocks.unit, blocks.lengths[size + 1]
    cells[new : new + n_new * SET_CELLS] = 0
    for first in range(old, old + n_old * SET_CELLS, SET_CELLS):
        for way in range(first, first + N_WAYS):
            if weights[way + WEIGHTS] > 0:
                free = new + (np.int64(cells[way]) - 1) % n_new * SET_CELLS
                while cells[free]:
                    free += 1
                cells[free] = cells[way]
                for column in (WEIGHTS, FOLLOWING):
                    weights[free + column] = weights[way + column]
    given_back(blocks, item)
    blocks.starts[item], blocks.sizes[item] = unit, size + 1


@compiled_in_place
def _compete(blocks: Blocks, weights: Floats, item: Row, newcomer: Row, gains: tuple[float, float]) -> None:
    """Let a newcomer take a free slot of its set, or the lightest, or wear that one down."""
    lightest = _lightest(blocks, weights, item, newcomer)
    while (lightest < 0 or weights[lightest + WEIGHTS] > 0) and blocks.sizes[item] < len(blocks.lengths) - 1:
        _add_sets(blocks, weights, item)
        lightest = _lightest(blocks, weights, item, newcomer)
    left = weights[lightest + WEIGHTS] - np.float32(gains[0])
    if left <= 0:
        blocks.cells[lightest] = np.int32(newcomer + 1)
        weights[lightest + WEIGHTS] = np.float32(gains[0])
        weights[lightest + FOLLOWING] = np.float32(gains[1])
    else:
        weights[lightest + WEIGHTS] = left


@compiled_in_place
def raise_known(
    blocks: Blocks,
    weights: Floats,
    pairs: tuple[Rows, Rows],
    gains: NDArray[np.float64],
    is_after: NDArray[np.bool_],
    others: Rows,
) -> int:
    """Add (P,) gains to the pairs of items and neighbours that are there.

    (P,) `others` gets the positions of the others; returns how many there are.
    """
    (items, neighbours), n_others = pairs, 0
    for p in range(len(items)):
        found: Row = np.int64(-1)
        if blocks.sizes[items[p]]:
            first, id_ = _set_of(blocks, items[p], neighbours[p]), np.int32(neighbours[p] + 1)
            for way in range(first, first + N_WAYS):
                if blocks.cells[way] == id_:
                    found = way
        if found >= 0:
            gain = np.float32(gains[p])
            weights[found + WEIGHTS] += gain
            if is_after[p]:
                weights[found + FOLLOWING] += gain
        else:
            others[n_others] = p
            n_others += 1
    return n_others


@compiled
def admit(
    blocks: Blocks,
    weights: Floats,
    sets: Rows,
    newcomers: Rows,
    gains: tuple[NDArray[np.float64], NDArray[np.float64]],
    start: int,
) -> int:
    """Let (P,) newcomers, ascending by set, compete for the slots of their sets, the heaviest first.

    No more of a set than it has slots: the others would drive out what just came in. See
    `streamrec.domain.rows.lightest` for who wins.

    Parameters
    ----------
    sets
        (P,) items times S plus the set, of S.
    gains
        (P,) what the pairs weigh, and how much of it came after.
    start
        Position to begin at.

    Returns
    -------
    start
        Where to go on once there is more room; P at the end.
    """
    n_sets, is_done = blocks.lengths[-1], np.zeros(len(sets), np.bool_)
    n_units = len(blocks.cells) // blocks.unit
    while start < len(sets) and blocks.n_used[0] + 2 * n_sets <= n_units:
        stop = start + 1
        while stop < len(sets) and sets[stop] == sets[start]:
            stop += 1
        for _ in range(min(stop - start, N_WAYS)):
            heaviest = -1
            for p in range(start, stop):
                if not is_done[p] and (heaviest < 0 or gains[0][p] > gains[0][heaviest]):
                    heaviest = p
            is_done[heaviest] = True
            _compete(
                blocks,
                weights,
                sets[start] // n_sets,
                newcomers[heaviest],
                (gains[0][heaviest], gains[1][heaviest]),
            )
        start = stop
    return start


@compiled
def spread(
    blocks: Blocks, weights: Floats, items: Rows, is_gone: Marks
) -> tuple[NDArray[np.int32], Floats, Floats]:
    """Return (R, M) neighbours, their weights, and how much of these came after, as S sets hold them.

    Free slots hold -1 with weight 0, and so do those of marked neighbours.
    """
    n_sets, shape = blocks.lengths[-1], (len(items), blocks.lengths[-1] * N_WAYS)
    ids = np.full(shape, np.int32(-1))
    of_pairs, after = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    n_in_sets = np.zeros(n_sets, np.int64)
    for r in range(len(items)):
        n_own, start = length_of(blocks, items[r]), start_of(blocks, items[r])
        n_in_sets[:] = 0
        for one in range(n_own):
            for way in range(N_WAYS):
                cell = start + one * SET_CELLS + way
                neighbour = blocks.cells[cell] - np.int32(1)
                if neighbour >= 0:
                    of_all = neighbour % n_sets
                    at = of_all * N_WAYS + (way if n_own == n_sets else n_in_sets[of_all])
                    n_in_sets[of_all] += 1
                    if not is_among(neighbour, is_gone):
                        ids[r, at], of_pairs[r, at] = neighbour, weights[cell + WEIGHTS]
                        after[r, at] = weights[cell + FOLLOWING]
    return ids, of_pairs, after


@compiled_in_place
def fill(
    blocks: Blocks,
    weights: Floats,
    items: tuple[Rows, Rows],
    neighbours: NDArray[np.int32],
    columns: tuple[Floats, Floats],
) -> None:
    """Give items, which have no block, their neighbours, one item's after the other's.

    Parameters
    ----------
    items
        (R,) rows, and how many neighbours each has.
    columns
        What the pairs weigh, and how much of it came after.
    """
    start = 0
    for r in range(len(items[0])):
        stop = start + items[1][r]
        for p in range(start, stop):
            _compete(blocks, weights, items[0][r], neighbours[p], (columns[0][p], columns[1][p]))
        start = stop


@compiled
def have(blocks: Blocks, sets: Rows, is_marked: Marks) -> NDArray[np.bool_]:
    """Return (N,) which items have any marked row as a neighbour, in some of S sets."""
    is_found = np.zeros(len(blocks.sizes), np.bool_)
    for item in range(len(blocks.sizes)):
        if blocks.sizes[item]:
            for one in sets:
                first = _set_of(blocks, item, one)
                for way in range(first, first + N_WAYS):
                    is_found[item] |= is_among(blocks.cells[way] - np.int32(1), is_marked)
    return is_found


@compiled
def take_out(blocks: Blocks, weights: Floats, items: Rows, sets: Rows, is_marked: Marks) -> NDArray[np.bool_]:
    """Free the slots of (R,) items that hold marked rows in some of S sets; return (R,) which had any."""
    has_lost = np.zeros(len(items), np.bool_)
    for r in range(len(items)):
        if blocks.sizes[items[r]]:
            for one in sets:
                first = _set_of(blocks, items[r], one)
                for way in range(first, first + N_WAYS):
                    if is_among(blocks.cells[way] - np.int32(1), is_marked):
                        blocks.cells[way] = 0
                        weights[way + WEIGHTS] = weights[way + FOLLOWING] = np.float32(0.0)
                        has_lost[r] = True
    return has_lost
