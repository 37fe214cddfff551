"""Ids of many rows as bytes in one array, and the hash table in which they are found.

A million texts, each an object of Python's with an entry in a dictionary and a number, take four times as
much. And beside a process that was forked off their pages are copied: to look at an object is to write to it.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, compiled_in_place
from streamrec.domain.rows.growing import grown

_GONE = -1
"""Stands in a slot instead of a row plus one, where an id was that was taken out. 0: nothing ever was."""

_PART_BITS = 6
"""Of a hash, what says which table an id is in: each becomes larger at a time of its own, in milliseconds."""

_LAST_PART = (1 << _PART_BITS) - 1

_FIRST_SLOTS = 16

_LEAST_WASTE = 1 << 20
"""Bytes of ids that were taken out, from which on the others are moved together."""

_AT_ONCE = 65_536

_MOST_RECENT = 65_536
"""Ids that were found last, in a dictionary: an event's user is looked up several times."""

_HASH_BITS = 0xFFFFFFFF

_ERRORS = "surrogatepass"
"""So that every text of Python's can be held."""


class IdBytes:
    """Ids by row; a row may be without one. No id is empty.

    Hashes are Python's, which it salts: nobody can choose ids that all want one slot.

    >>> ids = IdBytes(["a", None, "b"])
    >>> ids.find("b"), ids.find("c"), ids.at(0), ids.at(1), list(ids), len(ids), ids.n_living
    (2, -1, 'a', None, ['a', None, 'b'], 3, 2)
    >>> ids.put(1, "c"), ids.take_out("a"), list(ids)
    (None, 0, [None, 'c', 'b'])

    Raises
    ------
    ValueError
        When an id stands at two rows.
    """

    def __init__(self, ids: Sequence[str | None] = ()) -> None:
        self._bytes, self._n_bytes, self._n_wasted = np.zeros(0, np.uint8), 0, 0
        self._starts, self._lengths = np.zeros(0, np.int64), np.zeros(0, np.uint16)
        self._hashes = np.zeros(0, np.uint32)
        self._n_rows = self.n_living = 0
        self._recent: dict[str, int] = {}
        for start in range(0, len(ids), _AT_ONCE):
            self._append(ids[start : start + _AT_ONCE])
        self._look()
        self._tables = list(map(self._table_of, range(_LAST_PART + 1)))
        if any(map(self._has_twice, self._tables)):
            raise ValueError("an id stands at two rows")

    def __len__(self) -> int:
        """Return the number of rows, with ids or without."""
        return self._n_rows

    def __iter__(self) -> Iterator[str | None]:
        return (self.at(row) for row in range(self._n_rows))

    def at(self, row: int) -> str | None:
        """Return the id of a row, None where it has none."""
        _, starts, lengths, texts = self._viewed
        length, start = lengths[row], starts[row]
        return str(texts[start : start + length], "utf-8", _ERRORS) if length else None

    def living(self) -> list[str]:
        """Return the ids, in row order."""
        return [id_ for id_ in self if id_ is not None]

    def living_rows(self) -> NDArray[np.int64]:
        """Return the rows that have ids, in order."""
        return np.flatnonzero(self._lengths[: self._n_rows])

    def find(self, id_: str) -> int:
        """Return the row of an id, or -1."""
        row = self._recent.get(id_)
        if row is None:
            row = self._found(id_)[1]
            if row >= 0:
                if len(self._recent) >= _MOST_RECENT:
                    self._recent.clear()
                self._recent[id_] = row
        return row

    def find_each(self, ids: Iterable[str]) -> Iterator[int]:
        """Yield the row of each id, or -1."""
        return map(self.find, ids)

    def put(self, row: int, id_: str) -> None:
        """Give an id, which is nowhere, to a row that has none, or to the first that there is not yet."""
        text = id_.encode("utf-8", _ERRORS)
        if row == self._n_rows:
            self._n_rows += 1
            self._grow()
        end = self._n_bytes + len(text)
        self._bytes = grown(self._bytes, end)
        self._bytes[self._n_bytes : end] = np.frombuffer(text, np.uint8)
        self._starts[row], self._lengths[row] = self._n_bytes, len(text)
        self._hashes[row], self._n_bytes = hash(id_) & _HASH_BITS, end
        self.n_living += 1
        self._look()
        part = hash(id_) & _LAST_PART
        table = self._tables[part]
        if 2 * table.n_taken >= len(table.slots):
            self._tables[part] = self._table_of(part)
        else:
            table.slots[self._found(id_)[0]] = row + 1
            table.n_taken += 1

    def take_out(self, id_: str) -> int:
        """Take an id from its row; return the row.

        Raises
        ------
        KeyError
            When it is nowhere.
        """
        slot, row = self._found(id_)
        if row < 0:
            raise KeyError(id_)
        self._recent.pop(id_, None)
        self._tables[hash(id_) & _LAST_PART].slots[slot] = _GONE
        self.n_living -= 1
        self._n_wasted += int(self._lengths[row])
        self._lengths[row] = 0
        if self._n_wasted > max(_LEAST_WASTE, self._n_bytes // 2):
            self._n_bytes = _move_together(self._bytes, self._starts, self._lengths, self._n_rows)
            self._n_wasted = 0
        return row

    def _found(self, id_: str) -> tuple[int, int]:
        """Return the slot of an id and its row; of an unknown one the free slot for it, and -1."""
        hashes, starts, lengths, texts = self._viewed
        hash_ = hash(id_) & _HASH_BITS
        slots = self._tables[hash_ & _LAST_PART].slots
        mask = len(slots) - 1
        slot = (hash_ >> _PART_BITS) & mask
        while held := slots[slot]:
            if held > 0 and hashes[held - 1] == hash_:
                start = starts[held - 1]
                if texts[start : start + lengths[held - 1]] == id_.encode("utf-8", _ERRORS):
                    return slot, held - 1
            slot = (slot + 1) & mask
        return slot, -1

    def _append(self, ids: Sequence[str | None]) -> None:
        texts = ["" if id_ is None else id_ for id_ in ids]
        encoded = [text.encode("utf-8", _ERRORS) for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        first, self._n_rows = self._n_rows, self._n_rows + len(ids)
        self._grow()
        new, ends = slice(first, self._n_rows), self._n_bytes + np.cumsum(lengths)
        self._lengths[new], self._starts[new] = lengths, ends - lengths
        self._hashes[new] = np.fromiter(map(hash, texts), np.int64, len(texts)) & _HASH_BITS
        begin, self._n_bytes = self._n_bytes, int(ends[-1])
        self._bytes = grown(self._bytes, self._n_bytes)
        self._bytes[begin : self._n_bytes] = np.frombuffer(b"".join(encoded), np.uint8)
        self.n_living += int(np.count_nonzero(lengths))

    def _grow(self) -> None:
        self._starts, self._lengths = grown(self._starts, self._n_rows), grown(self._lengths, self._n_rows)
        self._hashes = grown(self._hashes, self._n_rows)

    def _table_of(self, part: int) -> "_Table":
        """Return a table of all ids of a part, in which half of the slots are free at least."""
        is_in = (self._hashes[: self._n_rows] & _LAST_PART == part) & (self._lengths[: self._n_rows] > 0)
        rows = np.flatnonzero(is_in)
        slots = np.zeros(max(_FIRST_SLOTS, 1 << (2 * len(rows) + 2).bit_length()), np.int32)
        _fill(slots, self._hashes, rows)
        return _Table(memoryview(slots.data), len(rows))

    def _has_twice(self, table: "_Table") -> bool:
        slots = np.frombuffer(table.slots, np.int32)
        return bool(_n_twice(slots, self._bytes, self._starts, self._lengths))

    def _look(self) -> None:
        """Look at the arrays as they lie now: single numbers come out of such views in half the time."""
        arrays = self._hashes, self._starts, self._lengths, self._bytes
        self._viewed = [memoryview(array.data) for array in arrays]


class _Table:
    """Slots of ids: rows plus one, where their hashes want them; and how many were ever taken."""

    def __init__(self, slots: memoryview, n_taken: int) -> None:
        self.slots, self.n_taken = slots, n_taken


@compiled_in_place
def _fill(slots: NDArray[np.int32], hashes: NDArray[np.uint32], rows: NDArray[np.int64]) -> None:
    mask = np.int64(len(slots) - 1)
    for row in rows:
        slot = (np.int64(hashes[row]) >> _PART_BITS) & mask
        while slots[slot]:
            slot = (slot + np.int64(1)) & mask
        slots[slot] = row + 1


@compiled_in_place
def _n_twice(
    slots: NDArray[np.int32],
    texts: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lengths: NDArray[np.uint16],
) -> int:
    """Return how many pairs of equal ids stand side by side in the table, where there should be none."""
    n_twice, mask = 0, len(slots) - 1
    for slot in range(len(slots)):
        # Equal ids have one hash: whatever lies between them is taken.
        other = (slot + 1) & mask
        while slots[slot] and slots[other]:
            one, another = slots[slot] - 1, slots[other] - 1
            if lengths[one] == lengths[another]:
                is_same = True
                for at in range(lengths[one]):
                    is_same &= texts[starts[one] + at] == texts[starts[another] + at]
                n_twice += is_same
            other = (other + 1) & mask
    return n_twice


@compiled
def _move_together(
    texts: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.uint16], n_rows: int
) -> int:
    """Move ids to the beginning, in their order; return how many bytes they take."""
    order, n_bytes = np.argsort(starts[:n_rows]), 0
    for row in order:
        if lengths[row]:
            for at in range(lengths[row]):
                texts[n_bytes + at] = texts[starts[row] + at]
            starts[row] = n_bytes
            n_bytes += lengths[row]
    return n_bytes
