"""Which (user, item) pairs were positives: they must not stand as negatives."""

import numpy as np
from numpy.typing import NDArray

from streamrec.training.sampling import Rows

_BITS_PER_PAIR = 16
_LEAST_BITS = 1 << 22


class KnownPositives:
    """Every (user, item) pair that was a positive, in about two to four bytes a pair.

    One hash into a table of bits (a Bloom filter of one function; Bloom 1970). A pair that was added is
    always found. Some that were not are found too: such an item is only never drawn against that user.
    The table doubles by repeating itself, which keeps every pair without knowing any.

    >>> known = KnownPositives()
    >>> known.add(np.array([1, 2]), np.array([10, 20]))
    >>> known.contains(np.array([1, 2]), np.array([10, 20, 30])).tolist()
    [[True, False, False], [False, True, False]]
    """

    def __init__(self) -> None:
        self._bits = np.zeros(_LEAST_BITS // 8, np.uint8)
        self._n_pairs = 0

    def add(self, user_rows: Rows, item_rows: Rows) -> None:
        """Remember (B,) pairs."""
        self._n_pairs += len(user_rows)
        while self._n_pairs * _BITS_PER_PAIR > self._bits.size * 8:
            self._bits = np.tile(self._bits, 2)
        at = (_hash(user_rows, 1) ^ _hash(item_rows, 2)) & np.uint64(self._bits.size * 8 - 1)
        np.bitwise_or.at(self._bits, at >> np.uint64(3), _bit_of(at))

    def contains(self, user_rows: Rows, item_rows: Rows) -> NDArray[np.bool_]:
        """Return (B, N): whether each of (N,) items was a positive of each of (B,) users."""
        at = _hash(user_rows, 1)[:, None] ^ _hash(item_rows, 2)[None, :]
        at &= np.uint64(self._bits.size * 8 - 1)
        found: NDArray[np.bool_] = (self._bits[at >> np.uint64(3)] & _bit_of(at)) != 0
        return found

    def arrays(self) -> dict[str, NDArray[np.uint8] | Rows]:
        """Return the state, for a checkpoint."""
        return {"bits": self._bits, "n_pairs": np.array([self._n_pairs])}

    def load(self, arrays: dict[str, NDArray[np.uint8]]) -> None:
        """Take over a copy of what `arrays` returned."""
        self._bits = arrays["bits"].copy()
        self._n_pairs = int(arrays["n_pairs"][0])


def _hash(rows: Rows, salt: int) -> NDArray[np.uint64]:
    """Mix (B,) rows into 64 bits each (the finalizer of splitmix64; Steele et al. 2014)."""
    mixed = rows.astype(np.uint64) + np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _bit_of(at: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (at & np.uint64(7)).astype(np.uint8))
