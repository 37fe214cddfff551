"""Categories and words of many items at hand, as numbers."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice, repeat
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.content_tokens import MOST_TO_RANK_BY
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers
from streamrec.domain.rows.rows_by_number import RowsByNumber

MOST_CATEGORIES = 8
"""Categories of an item that count: the first ones."""

N_NUMBERS = 4096
"""Two of some hundred categories may have the same number, which makes them one; none of some ten does."""

N_WORDS = 32_767
"""Words whose numbers are alike count as one; where an item has no more of them, this number stands."""

MOST_ITEMS = 200_000
"""Some 46 MB with the ids."""

_WEIGHED_AGAIN = 1.02
"""Growth of the number of changes since words were weighed, from which they are weighed anew."""

_UNKNOWN = 0
"""Row of all items that are not there: no categories, never put in."""

_NEVER = -np.inf


class CategoryTable:
    """Categories and words of up to `most_items` items; of more, those put in first go.

    A category's number is made of its name: nobody has to agree on it, and there is no list that grows. So is
    that of a word, see `content_tokens`. A word that n of all N items have weighs log(1 + N / n) (inverse
    document frequency; Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, section 6.2).

    Parameters
    ----------
    most_items
        None: there is no bound.

    Attributes
    ----------
    categories
        (R, 8) numbers of the categories of each row, see `rows`; `N_NUMBERS` where there are no more.
    words
        (R, 16) numbers of the words of each row, `N_WORDS` where there are no more.

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
        self._rows_by_number = RowsByNumber(ItemNumbers())
        self.categories = np.full((1, MOST_CATEGORIES), N_NUMBERS, np.int16)
        self.words = np.full((1, MOST_TO_RANK_BY), N_WORDS, np.int16)
        self._put_at = np.full(1, _NEVER)
        self._n_with = [0] * N_WORDS
        self._n_changes = 0
        self._n_weighed = 0
        self._weights = np.zeros(N_WORDS + 1, np.float32)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._row_of)

    @property
    def weights(self) -> NDArray[np.float32]:
        """(N_WORDS + 1,) what each word weighs, 0 for none; weighed anew as the items at hand change."""
        if self._n_changes > self._n_weighed * _WEIGHED_AGAIN:
            n_with = np.maximum(np.array(self._n_with, np.float32), 1)
            self._weights = np.append(np.log1p(np.float32(len(self)) / n_with), np.float32(0))
            self._n_weighed = self._n_changes
        return self._weights

    def put(
        self, item_id: str, categories: Sequence[str], at: float = 0.0, words: Sequence[int] = ()
    ) -> None:
        """Replace what is known of an item, at a moment in seconds."""
        self.put_all({item_id: categories}, at)
        self.put_words(item_id, words)

    def put_words(self, item_id: str, words: Sequence[int]) -> None:
        """Replace the words of an item: numbers as of `tokens_to_rank_by`, of which the first 16 count."""
        self._put_words(self._row_for(item_id), words)

    def put_all(self, categories: Mapping[str, Sequence[str]], at: float = 0.0) -> None:
        """Do the same for several items, by id: cheaper than one by one.

        >>> table = CategoryTable()
        >>> table.put_all({"a": ("war", "drama"), "b": ()})
        >>> (table.of(["a", "b"]) < N_NUMBERS).sum(axis=1).tolist()
        [2, 0]
        """
        rows = [self._row_for(item_id) for item_id in categories]
        numbers = list(chain.from_iterable(map(_numbers_of, categories.values())))
        self.categories[rows] = np.array(numbers, np.int16).reshape(len(rows), MOST_CATEGORIES)
        self._put_at[rows] = at

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
            self.categories[row] = N_NUMBERS
            self._put_words(row, ())
            self._free.append(row)

    def ids(self) -> list[str]:
        """Return the ids of all items."""
        return list(self._row_of)

    def of(self, item_ids: Sequence[str]) -> NDArray[np.int16]:
        """Return (N, 8) the numbers of items' categories, `N_NUMBERS` where there are no more."""
        return self.categories.take(self.rows(item_ids), axis=0)

    def older(self, item_ids: Sequence[str], moment: float) -> list[str]:
        """Return those that were put in before a moment, or never."""
        glance = Glance(self, moment)
        glance.rows(item_ids)
        return glance.older

    def rows(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return (N,) where each item stands; valid until something is put in."""
        return np.fromiter(map(self._row_of.get, item_ids, repeat(_UNKNOWN)), np.int64, len(item_ids))

    def rows_by_number(self, items: ItemNumbers, numbers: Numbers) -> NDArray[np.int64]:
        """Return rows by number, of which those of N numbers are looked up; valid as long."""
        if not self._rows_by_number.are_of(items):
            self._rows_by_number = RowsByNumber(items)
        return self._rows_by_number.with_rows_of(numbers, self.rows)

    def put_at(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (N,) when rows were put in; minus infinity: never."""
        return self._put_at.take(rows)

    def _put_words(self, row: int, words: Sequence[int]) -> None:
        numbers = list(dict.fromkeys(word % N_WORDS for word in words[:MOST_TO_RANK_BY]))
        before = [number for number in self.words[row].tolist() if number < N_WORDS]
        if numbers == before:
            return
        for number in before:
            self._n_with[number] -= 1
        for number in numbers:
            self._n_with[number] += 1
        self.words[row] = N_WORDS
        self.words[row, : len(numbers)] = numbers
        self._n_changes += 1

    def _row_for(self, item_id: str) -> int:
        row = self._row_of.get(item_id, _UNKNOWN)
        if row == _UNKNOWN:
            row = self._free_row()
            self._row_of[item_id] = row
            self._ids[row] = item_id
            self._rows_by_number.put(item_id, row)
            self.categories[row] = N_NUMBERS
            self._put_words(row, ())
        return row

    def _free_row(self) -> int:
        if self._free:
            return self._free.pop()
        row = len(self._ids)
        if self._most_items is None or row <= self._most_items:
            self._ids.append("")
            self.categories = grown(self.categories, row + 1, fill=N_NUMBERS)
            self.words = grown(self.words, row + 1, fill=N_WORDS)
            self._put_at = grown(self._put_at, row + 1, fill=_NEVER)
            return row
        row = 1 + self._next_out % self._most_items
        self._next_out += 1
        self._rows_by_number.put(self._ids[row], _UNKNOWN)
        del self._row_of[self._ids[row]]
        return row


def _numbers_of(categories: Sequence[str]) -> list[int]:
    """Return the numbers of the first 8 categories, filled up with `N_NUMBERS`."""
    names = islice(dict.fromkeys(categories), MOST_CATEGORIES)
    numbers = [crc32(name.encode("utf-8", "backslashreplace")) % N_NUMBERS for name in names]
    return numbers + [N_NUMBERS] * (MOST_CATEGORIES - len(numbers))


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
        self.table = table
        self._moment = moment
        self.older: list[str] = []

    def rows(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return (N,) where each item stands in the table."""
        rows = self.table.rows(item_ids)
        if self._moment > _NEVER:
            is_older = np.flatnonzero(self.table.put_at(rows) < self._moment)
            self.older += [item_ids[position] for position in is_older.tolist()]
        return rows

    def rows_by_number(self, items: ItemNumbers, numbers: Numbers) -> NDArray[np.int64]:
        """Return the same by number, of which those of N numbers are looked up."""
        rows = self.table.rows_by_number(items, numbers)
        if self._moment > _NEVER:
            is_older = self.table.put_at(rows.take(numbers)) < self._moment
            self.older += items.ids_at(numbers[is_older].tolist())
        return rows
