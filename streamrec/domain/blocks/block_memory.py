"""Memory in blocks of a few sizes, of which each row has one, or none; and the loops over it, compiled.

Of a million users most chose little: a table that has room for the longest history of each is mostly empty.
A row begins without a block, and gets the next larger one when its own is full; the block that it leaves is
another row's later. Compiled loops take blocks by themselves, so that room for them must be there before.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled_in_place, inlined
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.marked_rows import Marks, is_among

Rows = NDArray[np.int64]
Row = int | np.integer[Any]

_NOTHING = -1


class Blocks(NamedTuple):
    """Memory of N rows' blocks, for loops that are compiled.

    Attributes
    ----------
    cells
        (M,) all blocks, a whole number of units.
    starts
        (N,) number of the unit that a row's block begins with, where it has one.
    sizes
        (N,) size of the block, as a position in the following; 0: none.
    lengths, units
        (S,) entries that a block of each size has, and units that it takes; ascending, 0 at first.
    free
        (S,) first unit of a block of each size that nobody has, -1: there is none. Its first cell holds that
        of the next.
    n_used
        (1,) units that were ever given out; those behind them have never been written.
    unit
        Cells of a unit.
    """

    cells: NDArray[np.int32]
    starts: NDArray[np.uint32]
    sizes: NDArray[np.uint8]
    lengths: Rows
    units: Rows
    free: Rows
    n_used: Rows
    unit: int


class BlockMemory:
    """Blocks that grow with their rows.

    Parameters
    ----------
    lengths, units
        Of each size of a block, see `Blocks`.
    unit
        Cells of a unit.
    """

    def __init__(self, lengths: Sequence[int], units: Sequence[int], unit: int) -> None:
        self.blocks = Blocks(
            np.zeros(0, np.int32),
            starts=np.zeros(0, np.uint32),
            sizes=np.zeros(0, np.uint8),
            lengths=np.array(lengths, np.int64),
            units=np.array(units, np.int64),
            free=np.full(len(units), _NOTHING, np.int64),
            n_used=np.zeros(1, np.int64),
            unit=unit,
        )

    @property
    def n_rows(self) -> int:
        """Rows that there are, with a block or without."""
        return len(self.blocks.sizes)

    @property
    def n_bytes(self) -> int:
        """Bytes of all blocks."""
        return 4 * int(self.blocks.n_used[0]) * self.blocks.unit

    def grow_to(self, n_rows: int) -> None:
        """Have at least so many rows; new ones have no block."""
        if n_rows > self.n_rows:
            sizes = grown(self.blocks.sizes, n_rows)
            self.blocks = self.blocks._replace(sizes=sizes, starts=grown(self.blocks.starts, len(sizes)))

    def make_room(self, n_units: int) -> None:
        """Have so many units that were never given out."""
        n_wanted = (int(self.blocks.n_used[0]) + n_units) * self.blocks.unit
        if n_wanted > len(self.blocks.cells):
            self.blocks = self.blocks._replace(cells=grown(self.blocks.cells, n_wanted))

    def make_room_for(self, n_entries: int) -> None:
        """Have room for so many rows to get the largest block each."""
        self.make_room(n_entries * int(self.blocks.units[-1]))

    def release(self, rows: Rows) -> None:
        """Take their blocks from (R,) rows, as far as they have any."""
        _release(self.blocks, rows)


@inlined
def start_of(blocks: Blocks, row: Row) -> np.int64:
    """Return the first cell of a row's block."""
    return np.int64(blocks.starts[row]) * blocks.unit


@inlined
def length_of(blocks: Blocks, row: Row) -> np.int64:
    """Return how many entries a row's block has; 0 of a row that has none."""
    length: np.int64 = blocks.lengths[blocks.sizes[row]]
    return length


@compiled_in_place
def taken(blocks: Blocks, size: Row) -> np.int64:
    """Return the first unit of a block of a size; it holds anything."""
    found: np.int64 = blocks.free[size]
    if found >= 0:
        blocks.free[size] = np.int64(blocks.cells[found * blocks.unit])
    else:
        found = blocks.n_used[0]
        blocks.n_used[0] += blocks.units[size]
    return found


@compiled_in_place
def given_back(blocks: Blocks, row: Row) -> None:
    """Let another row have this one's block, if it has one."""
    size = blocks.sizes[row]
    if size:
        blocks.cells[start_of(blocks, row)] = np.int32(blocks.free[size])
        blocks.free[size] = np.int64(blocks.starts[row])
        blocks.sizes[row] = 0


@compiled_in_place
def _release(blocks: Blocks, rows: Rows) -> None:
    for row in rows:
        if row < len(blocks.sizes):
            given_back(blocks, row)


@compiled_in_place
def clear_marked(blocks: Blocks, rows: Rows, is_marked: Marks) -> None:
    """Set the entries of (R,) rows' first column that are marked to -1."""
    for row in rows:
        start = start_of(blocks, row)
        for at in range(start, start + length_of(blocks, row)):
            if is_among(blocks.cells[at], is_marked):
                blocks.cells[at] = _NOTHING
