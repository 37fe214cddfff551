"""Categories of many items at hand, as numbers."""

from collections.abc import Iterable, Sequence
from itertools import repeat
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import grown

MOST_CATEGORIES = 8
"""Categories of an item that count: the first ones."""

N_NUMBERS = 4096
"""Two of some hundred categories may have the same number, which makes them one; none of some ten does."""

MOST_ITEMS = 200_000
"""Some 40 MB with the ids."""

_UNKNOWN = -1


class CategoryTable:
    """Categories of up to `most_items` items; of more, those put in first go.

    A category's number is made of its name: nobody has to agree on it, and there is no list that grows.

    >>> table = CategoryTable()
    >>> table.put("a", ("war", "drama"))
    >>> numbers = table.of(["a", "unknown"])
    >>> (numbers < N_NUMBERS).sum(axis=1).tolist(), table.unknown(["a", "b"])
    ([2, 0], ['b'])
    """

    def __init__(self, most_items: int = MOST_ITEMS) -> None:
        self._most_items = most_items
        self._row_of: dict[str, int] = {}
        self._ids: list[str] = []
        self._n_put = 0
        # The last row is that of unknown items.
        self._numbers = np.full((1, MOST_CATEGORIES), N_NUMBERS, np.int16)

    def put(self, item_id: str, categories: Sequence[str]) -> None:
        """Replace what is known of an item."""
        row = self._row_of.get(item_id, _UNKNOWN)
        if row == _UNKNOWN:
            row = self._free_row()
            self._row_of[item_id] = row
            self._ids[row] = item_id
        numbers = [crc32(name.encode()) % N_NUMBERS for name in categories[:MOST_CATEGORIES]]
        self._numbers[row] = N_NUMBERS
        self._numbers[row, : len(numbers)] = numbers

    def of(self, item_ids: Iterable[str]) -> NDArray[np.int16]:
        """Return (N, 8) the numbers of items' categories, `N_NUMBERS` where there are no more."""
        rows = np.fromiter(map(self._row_of.get, item_ids, repeat(_UNKNOWN)), np.int64)
        return self._numbers[rows]

    def unknown(self, item_ids: Iterable[str]) -> list[str]:
        """Return those that nothing was put in of."""
        return [item_id for item_id in item_ids if item_id not in self._row_of]

    def _free_row(self) -> int:
        row = self._n_put % self._most_items
        self._n_put += 1
        if row == len(self._ids):
            self._ids.append("")
            self._numbers = grown(self._numbers, row + 2, fill=N_NUMBERS)
        else:
            del self._row_of[self._ids[row]]
        return row
