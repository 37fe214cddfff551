"""Which (user, item) pairs were positives: they must not stand as negatives."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streamrec.training.sampling import Rows

_BITS_PER_PAIR = 16
_LEAST_BITS = 1 << 22

MOST_BITS = 1 << 27
"""Of one table: 16 MB, for 8 million pairs. There are two at most, so a checkpoint holds 32 MB of it."""


class KnownPositives:
    """The (user, item) pairs that were positives lately, in about two to four bytes a pair.

    One hash into a table of bits (a Bloom filter of one function; Bloom 1970). A pair that was added is
    found. Some that were not are found too: such an item is only never drawn against that user. Pairs that
    come again take no room. The table doubles by repeating itself, which keeps every pair without knowing
    any; once it may grow no more it becomes the older of two, and the one that was older goes: of a stream
    without end the last 8 to 16 million pairs are known.

    >>> known = KnownPositives()
    >>> known.add(np.array([1, 2, 1]), np.array([10, 20, 10]))
    >>> known.contains(np.array([1, 2]), np.array([10, 20, 30])).tolist(), known.n_pairs
    ([[True, False, False], [False, True, False]], 2)

    Attributes
    ----------
    n_pairs
        Distinct pairs in the newer table, but for those that share their bit with another.
    """

    def __init__(self, most_bits: int = MOST_BITS) -> None:
        self._most_bits = most_bits
        self._bits = np.zeros(_LEAST_BITS // 8, np.uint8)
        self._older = np.zeros(0, np.uint8)
        self.n_pairs = 0

    def add(self, user_rows: Rows, item_rows: Rows) -> None:
        """Remember (B,) pairs."""
        mixed = _hash(user_rows, 1) ^ _hash(item_rows, 2)
        at = np.unique(mixed & np.uint64(self._bits.size * 8 - 1))
        at = at[(self._bits[at >> np.uint64(3)] & _bit_of(at)) == 0]
        self.n_pairs += len(at)
        if self.n_pairs * _BITS_PER_PAIR > self._bits.size * 8:
            self._make_room()
            at = mixed & np.uint64(self._bits.size * 8 - 1)
        np.bitwise_or.at(self._bits, at >> np.uint64(3), _bit_of(at))

    def _make_room(self) -> None:
        if self._bits.size * 8 >= self._most_bits:
            self._older, self._bits = self._bits, np.zeros_like(self._bits)
            self.n_pairs = 0
        while self.n_pairs * _BITS_PER_PAIR > self._bits.size * 8 and self._bits.size * 8 < self._most_bits:
            self._bits = np.tile(self._bits, 2)

    def contains(self, user_rows: Rows, item_rows: Rows) -> NDArray[np.bool_]:
        """Return (B, N): whether each of (N,) items was a positive of each of (B,) users."""
        mixed = _hash(user_rows, 1)[:, None] ^ _hash(item_rows, 2)[None, :]
        found = _holds(self._bits, mixed)
        return found | _holds(self._older, mixed) if self._older.size else found

    def arrays(self) -> dict[str, NDArray[np.uint8] | Rows]:
        """Return the state, for a checkpoint."""
        return {"bits": self._bits, "older": self._older, "n_pairs": np.array([self.n_pairs])}

    def load(self, arrays: Mapping[str, NDArray[np.uint8]]) -> None:
        """Take over a copy of what `arrays` returned.

        A table from before repeats were told apart is larger than its pairs need: it is folded.
        """
        self._bits = arrays["bits"].copy()
        self._older = arrays["older"].copy() if "older" in arrays else np.zeros(0, np.uint8)
        n_set = int(np.bitwise_count(self._bits).sum(dtype=np.int64))
        while self._bits.size * 8 > _LEAST_BITS and self._is_too_large(n_set):
            half = self._bits.size // 2
            self._bits = self._bits[:half] | self._bits[half:]
            n_set = int(np.bitwise_count(self._bits).sum(dtype=np.int64))
        self.n_pairs = min(int(arrays["n_pairs"][0]), n_set)

    def _is_too_large(self, n_set: int) -> bool:
        n_bits = self._bits.size * 8
        return n_bits > self._most_bits or n_set * _BITS_PER_PAIR * 2 <= n_bits


def _holds(bits: NDArray[np.uint8], mixed: NDArray[np.uint64]) -> NDArray[np.bool_]:
    at = mixed & np.uint64(bits.size * 8 - 1)
    found: NDArray[np.bool_] = (bits[at >> np.uint64(3)] & _bit_of(at)) != 0
    return found


def _hash(rows: Rows, salt: int) -> NDArray[np.uint64]:
    """Mix (B,) rows into 64 bits each (the finalizer of splitmix64; Steele et al. 2014)."""
    mixed = rows.astype(np.uint64) + np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _bit_of(at: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (at & np.uint64(7)).astype(np.uint8))
