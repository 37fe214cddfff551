"""Ids <-> numbers in the order in which ids are met, looked up by their hashes in one compiled pass."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, compiled_in_place, inlined

Numbers = NDArray[np.int64]

_FIRST_SLOTS = 1024

_SLOTS_PER_ID = 2
"""At least: where every other slot is free, an id is found at the second look on average."""

_FREE = -1


class HashedIds:
    """Gives ids numbers from 0 on, which they keep.

    A dictionary of 100,000 texts leaves a processor's caches at four places for each look-up: table, entry,
    text and number. Here a look-up is one line of memory, and the next ones are under way meanwhile.

    Hashes stand for the ids: two ids with the same 64 bits would be one, which among 1,000,000 ids happens to
    one process in 30 millions. No request can aim at it, for Python salts the hashes of texts.

    Attributes
    ----------
    n_rows
        Numbers given out so far.

    >>> ids = HashedIds()
    >>> ids.rows_of(["a", "b", "a"], add=True).tolist(), ids.rows_of(["b", "unknown"]).tolist(), ids.n_rows
    ([0, 1, 0], [1, -1], 2)
    """

    n_released = 0

    def __init__(self) -> None:
        self._ids: list[str] = []
        self.n_rows = 0
        self._slots = _free_slots(_FIRST_SLOTS)

    def row(self, id_: str) -> int:
        """Return the id's number, or -1."""
        return int(self.rows_of([id_])[0])

    def rows_of(self, ids: Sequence[str], *, add: bool = False, hashes: Numbers | None = None) -> Numbers:
        """Return (B,) numbers; an unknown id gets a new one when `add`, else -1.

        Parameters
        ----------
        hashes
            (B,) Python's own of the ids; to look at texts that lie all over takes most of the time.
        """
        if hashes is None:
            hashes = np.fromiter(map(hash, ids), np.int64, len(ids))
        rows, n_unknown = _found(self._slots, hashes)
        if add and n_unknown:
            self._make_room(n_unknown)
            _put(self._slots, hashes, rows, len(self._ids))
            for position in np.flatnonzero(rows >= len(self._ids)).tolist():
                if rows[position] == len(self._ids):  # else it is a repeat
                    self._ids.append(ids[position])
            self.n_rows = len(self._ids)
        return rows

    def id_at(self, row: int) -> str:
        """Return the id of a number."""
        return self._ids[row]

    def ids_at(self, rows: Iterable[int]) -> list[str]:
        """Return the ids of numbers."""
        return list(map(self._ids.__getitem__, rows))

    def _make_room(self, n_more: int) -> None:
        n_wanted = _SLOTS_PER_ID * (len(self._ids) + n_more)
        if n_wanted <= len(self._slots):
            return
        taken = self._slots[self._slots[:, 1] != _FREE]
        hashes = np.empty(len(taken), np.int64)
        hashes[taken[:, 1]] = taken[:, 0]
        self._slots = _free_slots(1 << (n_wanted - 1).bit_length())
        _put(self._slots, hashes, np.full(len(hashes), _FREE), 0)


def _free_slots(n: int) -> Numbers:
    """Return (N, 2) hash and number of nobody, N a power of two."""
    return np.full((n, 2), _FREE, np.int64)


@inlined
def _slot_of(slots: Numbers, hash_: np.int64) -> np.int64:
    """Return where a hash stands, or the free slot where it is to stand."""
    mask = np.int64(len(slots) - 1)
    slot = hash_ & mask
    while slots[slot, 1] != _FREE and slots[slot, 0] != hash_:
        slot = (slot + np.int64(1)) & mask
    return slot


@compiled
def _found(slots: Numbers, hashes: Numbers) -> tuple[Numbers, int]:
    """Return (B,) numbers, -1 for what is not there, and how many those are."""
    rows, n_unknown = np.empty(len(hashes), np.int64), 0
    for position in range(len(hashes)):
        row = slots[_slot_of(slots, hashes[position]), 1]
        rows[position] = row
        n_unknown += row == _FREE
    return rows, n_unknown


@compiled_in_place
def _put(slots: Numbers, hashes: Numbers, rows: Numbers, n_before: int) -> None:
    """Give numbers from `n_before` on to those of (B,) that have none."""
    n_given = n_before
    for position in range(len(hashes)):
        if rows[position] == _FREE:
            slot = _slot_of(slots, hashes[position])
            if slots[slot, 1] == _FREE:
                slots[slot, 0], slots[slot, 1] = hashes[position], n_given
                n_given += 1
            rows[position] = slots[slot, 1]
