"""Columns of equal length in a block, such as a user's last items and when each was chosen."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.blocks.block_memory import BlockMemory, Blocks, Row, Rows, given_back, start_of, taken
from streamrec.domain.rows.compiled import compiled_in_place

_NOTHING = -1

_UNIT = 4
"""Cells: 16 bytes, the least that anybody gets."""


class ColumnMemory(BlockMemory):
    """Columns of up to L entries a row, each row's of the same length: 4, 8, 16 and so on, and L.

    Parameters
    ----------
    most
        L.
    n_columns
        Of each row.

    >>> memory = ColumnMemory(10, n_columns=2)
    >>> memory.load(np.array([0, 3]), np.array([[7, 8, 9], [70, 80, 90]], np.int32))
    >>> memory.of(1).tolist()
    [[7, 8, 9, -1], [70, 80, 90, 0]]
    >>> memory.make_room_for(1)
    >>> lengthen(memory.blocks, 1, 2)
    >>> memory.of(1)[0].tolist(), memory.of(0).tolist()
    ([7, 8, 9, -1, -1, -1, -1, -1], [[], []])
    """

    def __init__(self, most: int, n_columns: int = 1) -> None:
        lengths, length = [0], _UNIT
        while length < most:
            lengths.append(length)
            length *= 2
        if most:
            lengths.append(most)
        super().__init__(lengths, [-(-length * n_columns // _UNIT) for length in lengths], _UNIT)
        self.most, self.n_columns = most, n_columns

    def of(self, row: int) -> NDArray[np.int32]:
        """Return (`n_columns`, length) a row's columns: the memory itself."""
        blocks = self.blocks
        start, length = int(blocks.starts[row]) * blocks.unit, int(blocks.lengths[blocks.sizes[row]])
        return blocks.cells[start : start + self.n_columns * length].reshape(self.n_columns, length)

    def load(self, n_entries: Rows, columns: NDArray[np.int32]) -> None:
        """Hold these rows instead of those that there are.

        Parameters
        ----------
        n_entries
            (N,) of each row, `most` at most.
        columns
            (`n_columns`, their sum) one row's entries after the other's.

        Raises
        ------
        ValueError
            When there are more or fewer.
        """
        if n_entries.min(initial=0) < 0 or n_entries.sum() != columns.shape[1]:
            raise ValueError(f"{columns.shape[1]} entries are not those of {len(n_entries)} rows")
        if n_entries.max(initial=0) > self.most:
            raise ValueError(f"a row has more than {self.most} entries")
        super().__init__(self.blocks.lengths.tolist(), self.blocks.units.tolist(), self.blocks.unit)
        self.grow_to(len(n_entries))
        self.make_room(int(self.blocks.units[np.searchsorted(self.blocks.lengths, n_entries)].sum()))
        _fill(self.blocks, n_entries, columns)


@compiled_in_place
def lengthen(blocks: Blocks, row: Row, n_columns: int) -> None:
    """Give a row the next larger block: what it held, and behind it -1, in further columns 0."""
    size, old = np.int64(blocks.sizes[row]), start_of(blocks, row)
    length, longer, cells = blocks.lengths[size], blocks.lengths[size + 1], blocks.cells
    unit = taken(blocks, size + 1)
    new = unit * blocks.unit
    for column in range(n_columns):
        for at in range(length):
            cells[new + column * longer + at] = cells[old + column * length + at]
        for at in range(length, longer):
            cells[new + column * longer + at] = 0 if column else _NOTHING
    given_back(blocks, row)
    blocks.starts[row], blocks.sizes[row] = unit, size + 1


@compiled_in_place
def _fill(blocks: Blocks, n_entries: Rows, columns: NDArray[np.int32]) -> None:
    position = 0
    for row in range(len(n_entries)):
        n = n_entries[row]
        if n:
            size = 1
            while blocks.lengths[size] < n:
                size += 1
            unit, length = taken(blocks, size), blocks.lengths[size]
            for column in range(len(columns)):
                start = unit * blocks.unit + column * length
                for at in range(length):
                    nothing = 0 if column else _NOTHING
                    blocks.cells[start + at] = columns[column, position + at] if at < n else nothing
            blocks.starts[row], blocks.sizes[row] = unit, size
            position += n
