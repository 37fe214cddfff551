"""Categories of many items at hand, as numbers."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice, repeat
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers

MOST_CATEGORIES = 8
"""Categories of an item that count: the first ones."""

N_NUMBERS = 4096
"""Two of some hundred categories may have the same number, which makes them one; none of some ten does."""

MOST_ITEMS = 200_000
"""Some 40 MB with the ids."""

_UNKNOWN = 0
"""Row of all items that are not there: no categories, never put in."""

_NOT_LOOKED_UP = -2

_NEVER = -np.inf


class CategoryTable:
    """Categories of up to `most_items` items; of more, those put in first go.

    A category's number is made of its name: nobody has to agree on it, and there is no list that grows.

    Parameters
    ----------
    most_items
        None: there is no bound.

    >>> table = CategoryTable()
    >>> table.put("a", ("war", "drama"), at=5.0)
    >>> numbers = table.of(["a", "unknown"])
    >>> (numbers < N_NUMBERS).sum(axis=1).tolist(), table.older(["a", "b"], 5.0), table.older(["a"], 6.0)
    ([2, 0], ['b'], ['a'])
    """

    def __init__(self, most_items: int | None = MOST_ITEMS) -> None:
        self._most_items = most_items
        self._row_of: dict[str, int] = {}
        self._ids = [""]
        self._free: list[int] = []
        self._next_out = 0
        self._rows_by_number = _RowsByNumber(ItemNumbers())
        self._numbers = np.full((1, MOST_CATEGORIES), N_NUMBERS, np.int16)
        self._put_at = np.full(1, _NEVER)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._row_of)

    def put(self, item_id: str, categories: Sequence[str], at: float = 0.0) -> None:
        """Replace what is known of an item, at a moment in seconds."""
        row = self._row_for(item_id)
        names = islice(dict.fromkeys(categories), MOST_CATEGORIES)
        numbers = [crc32(name.encode("utf-8", "backslashreplace")) % N_NUMBERS for name in names]
        self._numbers[row] = N_NUMBERS
        self._numbers[row, : len(numbers)] = numbers
        self._put_at[row] = at

    def put_off(self, item_ids: Iterable[str], at: float) -> None:
        """Let items be as if put in at a moment, those that are unknown without categories."""
        for item_id in item_ids:
            row = self._row_for(item_id)  # first: it may make the table longer
            self._put_at[row] = at

    def drop(self, item_id: str) -> None:
        """Forget an item; an unknown id is ignored."""
        row = self._row_of.pop(item_id, _UNKNOWN)
        if row != _UNKNOWN:
            self._rows_by_number.put(item_id, _UNKNOWN)
            self._numbers[row] = N_NUMBERS
            self._free.append(row)

    def of(self, item_ids: Sequence[str]) -> NDArray[np.int16]:
        """Return (N, 8) the numbers of items' categories, `N_NUMBERS` where there are no more."""
        return Glance(self).of(item_ids)

    def older(self, item_ids: Sequence[str], moment: float) -> list[str]:
        """Return those that were put in before a moment, or never."""
        glance = Glance(self, moment)
        glance.of(item_ids)
        return glance.older

    def rows(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return (N,) where each item stands, for `at`; valid until something is put in."""
        return np.fromiter(map(self._row_of.get, item_ids, repeat(_UNKNOWN)), np.int64, len(item_ids))

    def rows_by_number(self, items: ItemNumbers, numbers: Numbers) -> NDArray[np.int64]:
        """Return (N,) the same of items by number."""
        if not self._rows_by_number.are_of(items):
            self._rows_by_number = _RowsByNumber(items)
        return self._rows_by_number.of(numbers, self.rows)

    def at(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
        """Return (N, 8) numbers of categories, and (N,) when they were put in; minus infinity: never."""
        return self._numbers.take(rows, axis=0), self._put_at.take(rows)

    def _row_for(self, item_id: str) -> int:
        row = self._row_of.get(item_id, _UNKNOWN)
        if row == _UNKNOWN:
            row = self._free_row()
            self._row_of[item_id] = row
            self._ids[row] = item_id
            self._rows_by_number.put(item_id, row)
            self._numbers[row] = N_NUMBERS
        return row

    def _free_row(self) -> int:
        if self._free:
            return self._free.pop()
        row = len(self._ids)
        if self._most_items is None or row <= self._most_items:
            self._ids.append("")
            self._numbers = grown(self._numbers, row + 1, fill=N_NUMBERS)
            self._put_at = grown(self._put_at, row + 1, fill=_NEVER)
            return row
        row = 1 + self._next_out % self._most_items
        self._next_out += 1
        self._rows_by_number.put(self._ids[row], _UNKNOWN)
        del self._row_of[self._ids[row]]
        return row


class _RowsByNumber:
    """Rows of a table by the numbers that a process has given to items; each id is looked up once."""

    def __init__(self, items: ItemNumbers) -> None:
        self._items = items
        self._n_released = items.ids.n_released
        self._rows = np.zeros(0, np.int64)

    def are_of(self, items: ItemNumbers) -> bool:
        """Return whether these are the numbers' rows still; a number that was released may be another's."""
        return self._items is items and self._n_released == items.ids.n_released

    def of(
        self, numbers: Numbers, rows_of: Callable[[Sequence[str]], NDArray[np.int64]]
    ) -> NDArray[np.int64]:
        """Return (N,) rows; of those met for the first time, what `rows_of` says of their ids."""
        if len(self._rows) < len(self._items):
            self._rows = grown(self._rows, len(self._items), fill=_NOT_LOOKED_UP)
        rows = self._rows[numbers]
        is_first = rows == _NOT_LOOKED_UP
        if is_first.any():
            met = numbers[is_first]
            ids = [self._items.ids.id_at(number) for number in met.tolist()]
            rows[is_first] = rows_of([id_ or "" for id_ in ids])
            # A number that is free now may be another's the next time.
            is_in_use = [id_ is not None for id_ in ids]
            self._rows[met[is_in_use]] = rows[is_first][is_in_use]
        return rows

    def put(self, item_id: str, row: int) -> None:
        """Replace the row of an item, if it was met."""
        number = self._items.ids.row(item_id)
        if 0 <= number < len(self._rows):
            self._rows[number] = row


class Glance:
    """Look at a table on behalf of one request.

    Parameters
    ----------
    moment
        What was put in before it is old.

    Attributes
    ----------
    older
        Items that were looked at and are old, or were never put in; none, where no moment was given.
    """

    def __init__(self, table: CategoryTable, moment: float = _NEVER) -> None:
        self._table = table
        self._moment = moment
        self.older: list[str] = []

    def of(self, item_ids: Sequence[str]) -> NDArray[np.int16]:
        """Return (N, 8) the numbers of items' categories, `N_NUMBERS` where there are no more."""
        numbers, put_at = self._table.at(self._table.rows(item_ids))
        if put_at.min(initial=np.inf) < self._moment:
            is_older = np.flatnonzero(put_at < self._moment)
            self.older += [item_ids[position] for position in is_older.tolist()]
        return numbers

    def of_numbers(self, items: ItemNumbers, numbers: Numbers) -> NDArray[np.int16]:
        """Return (N, 8) the same of items by number."""
        categories, put_at = self._table.at(self._table.rows_by_number(items, numbers))
        if put_at.min(initial=np.inf) < self._moment:
            self.older += items.ids_at(numbers[put_at < self._moment].tolist())
        return categories
