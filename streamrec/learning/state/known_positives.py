"""Known positives: (user, item) pairs that must not stand as negatives."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, inlined, mixed
from streamrec.learning.sampling import Rows

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
        self.leave_out(user_rows, item_rows, np.empty((len(user_rows), 0), np.int32))

    def leave_out(self, user_rows: Rows, item_rows: Rows, negatives: NDArray[np.int32]) -> None:
        """Remember (B,) pairs in order; put -1 for those of (B, N) items that the user chose by then."""
        first, n_events = 0, len(user_rows)
        while first < n_events:
            at = slice(first, min(first + self._room(), n_events))
            self.n_pairs += _leave_out(self._bits, self._older, user_rows[at], item_rows[at], negatives[at])
            first = at.stop

    def _room(self) -> int:
        """Return how many pairs can be added before there must be room made; make it where there is none."""
        if self.n_pairs * _BITS_PER_PAIR >= self._bits.size * 8:
            if self._bits.size * 8 >= self._most_bits:
                self._older, self._bits = self._bits, np.zeros_like(self._bits)
                self.n_pairs = 0
            else:
                self._bits = np.tile(self._bits, 2)
        return max(1, self._bits.size * 8 // _BITS_PER_PAIR - self.n_pairs)

    def contains(self, user_rows: Rows, item_rows: Rows) -> NDArray[np.bool_]:
        """Return (B, N): whether each of (N,) items was a positive of each of (B,) users."""
        return _contained(self._bits, self._older, user_rows, item_rows)

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


@compiled
def _leave_out(
    bits: NDArray[np.uint8],
    older: NDArray[np.uint8],
    user_rows: Rows,
    item_rows: Rows,
    negatives: NDArray[np.int32],
) -> int:
    """Return how many of the pairs were new."""
    n_new = 0
    for b in range(len(user_rows)):
        of_user = _of_user(user_rows[b])
        pair = of_user ^ _of_item(item_rows[b])
        if not _holds(bits, pair):
            at = pair & np.uint64(bits.size * 8 - 1)
            bits[at >> np.uint64(3)] |= np.uint8(1) << np.uint8(at & np.uint64(7))
            n_new += 1
        for k in range(negatives.shape[1]):
            if negatives[b, k] >= 0:
                pair = of_user ^ _of_item(negatives[b, k])
                if _holds(bits, pair) or (older.size > 0 and _holds(older, pair)):
                    negatives[b, k] = -1
    return n_new


@compiled
def _contained(
    bits: NDArray[np.uint8], older: NDArray[np.uint8], user_rows: Rows, item_rows: Rows
) -> NDArray[np.bool_]:
    found = np.empty((len(user_rows), len(item_rows)), np.bool_)
    for b in range(len(user_rows)):
        of_user = _of_user(user_rows[b])
        for k in range(len(item_rows)):
            pair = of_user ^ _of_item(item_rows[k])
            found[b, k] = _holds(bits, pair) or (older.size > 0 and _holds(older, pair))
    return found


@inlined
def _of_user(row: int) -> np.uint64:
    return mixed(np.uint64(row) + np.uint64(0x9E3779B97F4A7C15))


@inlined
def _of_item(row: int) -> np.uint64:
    return mixed(np.uint64(row) + np.uint64(0x3C6EF372FE94F82A))


@inlined
def _holds(bits: NDArray[np.uint8], pair: np.uint64) -> bool:
    at = pair & np.uint64(bits.size * 8 - 1)
    return bool((bits[at >> np.uint64(3)] >> np.uint8(at & np.uint64(7))) & np.uint8(1))
