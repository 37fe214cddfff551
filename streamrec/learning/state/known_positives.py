"""Known positives: (user, item) pairs that must not stand as negatives."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, compiled_in_place
from streamrec.domain.rows.pair_bits import hash_of_item, hash_of_user, holds, put_new
from streamrec.learning.sampling import Rows

_BITS_PER_PAIR = 16
_LEAST_BITS = 1 << 22

MOST_BITS = 1 << 27
"""Of one table: 16 MB, for 8 million pairs. There are two at most, so a checkpoint holds 32 MB of it."""


class KnownPositives:
    """The (user, item) pairs that were positives lately, in about two to four bytes a pair.

    One hash into a table of bits (a Bloom filter of one function; Bloom 1970). A pair that was added is
    found, unless one was forgotten since that shares its bit. Some that were not are found too: such an item
    is only never drawn against that user. Pairs that come again take no room. The table doubles by repeating
    itself, which keeps every pair without knowing any; once it may grow no more it becomes the older of two,
    and the one that was older goes: of a stream without end the last 8 to 16 million pairs are known.

    >>> known = KnownPositives()
    >>> known.add(np.array([1, 2, 1]), np.array([10, 20, 10]))
    >>> known.contains(np.array([1, 2]), np.array([10, 20, 30])).tolist(), known.n_pairs
    ([[True, False, False], [False, True, False]], 2)

    Attributes
    ----------
    n_pairs
        Distinct pairs in the newer table, but for those that share their bit with another; who sets bits
        counts them.
    bits, older
        The tables, of bytes.
    """

    def __init__(self, most_bits: int = MOST_BITS) -> None:
        self._most_bits = most_bits
        self.bits = np.zeros(_LEAST_BITS // 8, np.uint8)
        self.older = np.zeros(0, np.uint8)
        self.n_pairs = 0

    def add(self, user_rows: Rows, item_rows: Rows) -> None:
        """Remember (B,) pairs."""
        for at in self.parts(len(user_rows)):
            self.n_pairs += _add(self.bits, user_rows[at], item_rows[at])

    def forget_pairs(self, user_rows: Rows, item_rows: Rows) -> None:
        """Forget (R,) pairs, and whatever other pairs share a bit with one: of those some are lost with it.

        >>> known = KnownPositives()
        >>> known.add(np.array([1, 2]), np.array([10, 10]))
        >>> known.forget_pairs(np.array([1]), np.array([10]))
        >>> known.contains(np.array([1, 2]), np.array([10])).tolist(), known.n_pairs
        ([[False], [True]], 1)
        """
        self.n_pairs -= _take_out(self.bits, user_rows, item_rows)
        if self.older.size:
            _take_out(self.older, user_rows, item_rows)

    def parts(self, n_pairs: int) -> Iterator[slice]:
        """Yield parts of N pairs, in order; there is room for each in `bits` once it is yielded."""
        first = 0
        while first < n_pairs:
            at = slice(first, min(first + self._room(), n_pairs))
            yield at
            first = at.stop

    def _room(self) -> int:
        """Return how many pairs can be added before there must be room made; make it where there is none."""
        if self.n_pairs * _BITS_PER_PAIR >= self.bits.size * 8:
            if self.bits.size * 8 >= self._most_bits:
                self.older, self.bits = self.bits, np.zeros_like(self.bits)
                self.n_pairs = 0
            else:
                self.bits = np.tile(self.bits, 2)
        return max(1, self.bits.size * 8 // _BITS_PER_PAIR - self.n_pairs)

    def contains(self, user_rows: Rows, item_rows: Rows) -> NDArray[np.bool_]:
        """Return (B, N): whether each of (N,) items was a positive of each of (B,) users."""
        return _contained(self.bits, self.older, user_rows, item_rows)

    def arrays(self) -> dict[str, NDArray[np.uint8] | Rows]:
        """Return the state, for a checkpoint."""
        return {"bits": self.bits, "older": self.older, "n_pairs": np.array([self.n_pairs])}

    def load(self, arrays: Mapping[str, NDArray[np.uint8]]) -> None:
        """Take over a copy of what `arrays` returned.

        A table from before repeats were told apart is larger than its pairs need: it is folded.
        """
        self.bits = arrays["bits"].copy()
        self.older = arrays["older"].copy() if "older" in arrays else np.zeros(0, np.uint8)
        n_set = int(np.bitwise_count(self.bits).sum(dtype=np.int64))
        while self.bits.size * 8 > _LEAST_BITS and self._is_too_large(n_set):
            half = self.bits.size // 2
            self.bits = self.bits[:half] | self.bits[half:]
            n_set = int(np.bitwise_count(self.bits).sum(dtype=np.int64))
        self.n_pairs = min(int(arrays["n_pairs"][0]), n_set)

    def _is_too_large(self, n_set: int) -> bool:
        n_bits = self.bits.size * 8
        return n_bits > self._most_bits or n_set * _BITS_PER_PAIR * 2 <= n_bits


@compiled_in_place
def _add(bits: NDArray[np.uint8], user_rows: Rows, item_rows: Rows) -> int:
    """Return how many of the pairs were new."""
    n_new = 0
    for b in range(len(user_rows)):
        if put_new(bits, hash_of_user(user_rows[b]) ^ hash_of_item(item_rows[b])):
            n_new += 1
    return n_new


@compiled_in_place
def _take_out(bits: NDArray[np.uint8], user_rows: Rows, item_rows: Rows) -> int:
    """Clear the bits of pairs; return how many were set."""
    n_cleared = 0
    for b in range(len(user_rows)):
        pair = hash_of_user(user_rows[b]) ^ hash_of_item(item_rows[b])
        if holds(bits, pair):
            at = pair & np.uint64(bits.size * 8 - 1)
            bits[at >> np.uint64(3)] &= ~(np.uint8(1) << np.uint8(at & np.uint64(7)))
            n_cleared += 1
    return n_cleared


@compiled
def _contained(
    bits: NDArray[np.uint8], older: NDArray[np.uint8], user_rows: Rows, item_rows: Rows
) -> NDArray[np.bool_]:
    found = np.empty((len(user_rows), len(item_rows)), np.bool_)
    for b in range(len(user_rows)):
        of_user = hash_of_user(user_rows[b])
        for k in range(len(item_rows)):
            pair = of_user ^ hash_of_item(item_rows[k])
            found[b, k] = holds(bits, pair) or (older.size > 0 and holds(older, pair))
    return found
