"""Loops over rings of users' last items, compiled.

A ring is a block of memory: each item is at the number of the user's choices before it, modulo the block's
length. Only the longest blocks, of L items, ever hold fewer than a user chose.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.blocks.block_memory import Blocks, length_of, start_of
from streamrec.domain.blocks.columns import lengthen
from streamrec.domain.rows.compiled import compiled, compiled_in_place, inlined

Rows = NDArray[np.int64]
Row = int | np.integer[Any]
_NOBODY = -1
"""Stands in a ring where an item was that is forgotten."""


@compiled_in_place
def append(rings: Blocks, counts: Rows, user_rows: Rows, item_rows: Rows) -> None:
    """Append (B,) items in order; there is room for as many users' longest rings."""
    for b in range(len(user_rows)):
        user = user_rows[b]
        if counts[user] >= length_of(rings, user) and rings.sizes[user] < len(rings.lengths) - 1:
            lengthen(rings, user, 1)
        rings.cells[start_of(rings, user) + counts[user] % length_of(rings, user)] = item_rows[b]
        counts[user] += 1


@compiled
def newest(rings: Blocks, counts: Rows, user_rows: Rows, n: int) -> tuple[Rows, Rows]:
    """Return the newest `n` items of each of (B,) users, one user's after the other's, newest last.

    Returns
    -------
    items
        (N,) of all of them.
    ends
        (B,) where each user's end.
    """
    most = min(n, rings.lengths[-1])
    items, ends, n_found = np.empty(len(user_rows) * most, np.int64), np.empty_like(user_rows), 0
    for b in range(len(user_rows)):
        user = user_rows[b]
        if user < len(counts):
            start, length = start_of(rings, user), length_of(rings, user)
            for number in range(max(0, counts[user] - most), counts[user]):
                item = rings.cells[start + number % length]
                if item >= 0:
                    items[n_found] = item
                    n_found += 1
        ends[b] = n_found
    return items[:n_found], ends


@compiled
def before(
    rings: Blocks, counts: Rows, events: tuple[Rows, Rows, Rows], n: int
) -> tuple[Rows, NDArray[np.bool_]]:
    """Return what users chose before (B,) events, of as many choices as a ring holds with those of the batch.

    Parameters
    ----------
    events
        (B,) users and items, which are not appended yet, and the position of the same user's event before
        each; -1: none in the batch.

    Returns
    -------
    found
        (B, n) distinct items but the event's own, newest first, -1 at the end.
    is_again
        (B,) whether the event's own is among them.
    """
    user_rows, item_rows, earlier = events
    most = rings.lengths[-1]
    found, is_again = np.full((len(user_rows), n), _NOBODY), np.zeros(len(user_rows), np.bool_)
    for b in range(len(user_rows)):
        own, n_found, n_back, position = item_rows[b], 0, 0, earlier[b]
        while position >= 0 and n_back < most:
            is_again[b] |= item_rows[position] == own
            n_found = _put(found[b], n_found, item_rows[position], own)
            position = earlier[position]
            n_back += 1
        user, count = user_rows[b], counts[user_rows[b]]
        start, length = start_of(rings, user), length_of(rings, user)
        for back in range(1, min(most - n_back, count) + 1):
            item = np.int64(rings.cells[start + (count - back) % length])
            is_again[b] |= item == own
            n_found = _put(found[b], n_found, item, own)
    return found, is_again


@compiled
def all_of(rings: Blocks, counts: Rows) -> tuple[Rows, NDArray[np.int32]]:
    """Return (U,) how many items the rings hold, and these, one ring's after the other's, newest last."""
    n_items = np.minimum(counts, rings.lengths[-1])
    items, n_found = np.empty(n_items.sum(), np.int32), 0
    for user in range(len(counts)):
        start, length = start_of(rings, user), length_of(rings, user)
        for number in range(counts[user] - n_items[user], counts[user]):
            items[n_found] = rings.cells[start + number % length]
            n_found += 1
    return n_items, items


@inlined
def _put(found: Rows, n_found: int, item: Row, own: Row) -> int:
    """Put an item behind the others if it is none of them and there is room; return how many there are."""
    is_new = item >= 0 and item != own and n_found < len(found)
    for c in range(n_found):
        is_new &= found[c] != item
    if is_new:
        found[n_found] = item
        n_found += 1
    return n_found
