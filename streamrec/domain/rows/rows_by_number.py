"""Rows of a table of items by the numbers that a process has given to them."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers

_NOT_LOOKED_UP = -2

_MOST_PUT = 1000
"""Items that wait to be looked up."""


class RowsByNumber:
    """Rows of a table by the numbers that a process has given to items; each id is looked up once."""

    def __init__(self, items: ItemNumbers) -> None:
        self._items = items
        self._n_released = items.ids.n_released
        self._rows = np.zeros(0, np.int64)
        self._put: dict[str, int] = {}

    def are_of(self, items: ItemNumbers) -> bool:
        """Return whether these are the numbers' rows still; a number that was released may be another's."""
        return self._items is items and self._n_released == items.ids.n_released

    def of(
        self, numbers: Numbers, rows_of: Callable[[Sequence[str]], NDArray[np.int64]]
    ) -> NDArray[np.int64]:
        """Return (N,) rows of N numbers, see `with_rows_of`."""
        return self.with_rows_of(numbers, rows_of).take(numbers)

    def with_rows_of(
        self, numbers: Numbers, rows_of: Callable[[Sequence[str]], NDArray[np.int64]]
    ) -> NDArray[np.int64]:
        """Return rows by number, of which those of N numbers are looked up.

        Of those met for the first time that is what `rows_of` says of their ids.
        """
        if len(self._rows) < len(self._items):
            self._rows = grown(self._rows, len(self._items), fill=_NOT_LOOKED_UP)
        self._look_up_put()
        met = numbers[self._rows.take(numbers) == _NOT_LOOKED_UP]
        if not len(met):
            return self._rows
        ids = [self._items.ids.id_at(number) for number in met.tolist()]
        self._rows[met] = rows_of([id_ or "" for id_ in ids])
        is_free = [id_ is None for id_ in ids]
        if not any(is_free):
            return self._rows
        # A number that is free now may be another's the next time.
        rows = self._rows.copy()
        self._rows[met[is_free]] = _NOT_LOOKED_UP
        return rows

    def put(self, item_id: str, row: int) -> None:
        """Replace the row of an item, if it was met."""
        self._put[item_id] = row
        if len(self._put) >= _MOST_PUT:
            self._look_up_put()

    def _look_up_put(self) -> None:
        """Replace the rows of items that were put, at once: to look one number up costs as much as ten."""
        if not self._put:
            return
        numbers = self._items.known(list(self._put))
        is_met = (numbers >= 0) & (numbers < len(self._rows))
        self._rows[numbers[is_met]] = np.fromiter(self._put.values(), np.int64, len(numbers))[is_met]
        self._put.clear()
