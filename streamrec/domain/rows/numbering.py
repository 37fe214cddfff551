"""Numbers for the distinct ones of many items."""

from collections.abc import Hashable, Iterable, Sequence
from itertools import count, repeat
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Id = TypeVar("Id", bound=Hashable)

Rows = NDArray[np.int64]


class Numbering(Generic[Id]):
    """The distinct ones of N items in the order in which they come first, and the row of each item.

    Attributes
    ----------
    ids
        The distinct items.
    rows
        (N,) the row of each item among them.

    >>> numbering = Numbering("aba")
    >>> numbering.ids, numbering.rows.tolist(), numbering.rows_of("cb").tolist()
    (['a', 'b'], [0, 1, 0], [-1, 1])
    """

    def __init__(self, items: Sequence[Id]) -> None:
        # Each item is looked up once, in a loop without Python's steps: answers spend most of their time so.
        self._first_at: dict[Id, int] = {}
        firsts = np.fromiter(map(self._first_at.setdefault, items, count()), np.int64, len(items))
        n_distinct = np.cumsum(firsts == np.arange(len(items)))
        self.ids = list(self._first_at)
        self.rows: Rows = n_distinct[firsts] - 1

    def row_of(self, item: Id) -> int:
        """Return the row of an item, -1 for one that is not among them."""
        first = self._first_at.get(item, -1)
        return int(self.rows[first]) if first >= 0 else -1

    def rows_of(self, items: Iterable[Id]) -> Rows:
        """Return (M,) rows of items, -1 for those that are not among them."""
        firsts = np.fromiter(map(self._first_at.get, items, repeat(-1)), np.int64)
        return np.append(self.rows, -1)[firsts]
