"""Pairs of rows in a table of bits: one hash, one bit (a Bloom filter of one function; Bloom 1970)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import GOLDEN, inlined, mixed


@inlined
def hash_of_user(row: int | np.integer[Any]) -> np.uint64:
    """Return a user's half of a pair's hash."""
    return mixed(np.uint64(row) + GOLDEN)


@inlined
def hash_of_item(row: int | np.integer[Any]) -> np.uint64:
    """Return an item's half: the halves' exclusive or is the pair's hash."""
    return mixed(np.uint64(row) + np.uint64(0x3C6EF372FE94F82A))


@inlined
def holds(bits: NDArray[np.uint8], pair: np.uint64) -> bool:
    """Return whether a pair's bit is set, in a table whose length is a power of two."""
    at = pair & np.uint64(bits.size * 8 - 1)
    return bool((bits[at >> np.uint64(3)] >> np.uint8(at & np.uint64(7))) & np.uint8(1))


@inlined
def put_new(bits: NDArray[np.uint8], pair: np.uint64) -> bool:
    """Set a pair's bit; return whether it was not set before."""
    is_new = not holds(bits, pair)
    if is_new:
        at = pair & np.uint64(bits.size * 8 - 1)
        bits[at >> np.uint64(3)] |= np.uint8(1) << np.uint8(at & np.uint64(7))
    return is_new
