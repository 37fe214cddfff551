"""Memory of users' last items, and the loops over it, compiled."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.blocks.block_memory import Blocks, length_of, start_of
from streamrec.domain.blocks.columns import lengthen
from streamrec.domain.rows.compiled import compiled, compiled_in_place, inlined
from streamrec.domain.users.context import LAST_SECOND

NOTHING = -1
"""Stands where a user has no further item, or had one that was forgotten."""

N_AHEAD = 11
"""Choices after an event that may be in the context it is replayed with."""

_LAST_SECOND = float(LAST_SECOND)

_GAPS_REMEMBERED = 2000.0
"""The mean of the gaps is of about so many: it follows when a stream's habits change."""

FIRST_GAP_S = 3600.0
"""Stands until a user was seen twice at different times."""


class ContextTables(NamedTuple):
    """Memory of a context, for the loops that learn.

    Attributes
    ----------
    blocks
        Two columns of each user: the last items, newest first, -1 at the end; and when they were chosen.
    seconds
        The blocks' cells as Unix seconds.
    kept
        (U, 2) where the newest of a user's events is kept for replay, in the ring and in the sample: the slot
        plus one, 0: nowhere. From there on `ReplayTables.older` leads.
    fading
        (n,) what an item weighs beside the newest, by the number of those after it.
    floor
        Share of an item's weight that time does not take away.
    scale
        (2,) mean of the logarithms of the gaps between a user's events, in seconds, and of how many it is.
    n_scales
        Mean gaps after which an item weighs 1/e of what it did, beside the floor.
    """

    blocks: Blocks
    seconds: NDArray[np.uint32]
    kept: NDArray[np.int32]
    fading: NDArray[np.float32]
    floor: float
    scale: NDArray[np.float64]
    n_scales: float


@inlined
def second_of(time: float | np.floating[Any]) -> np.uint32:
    """Return a Unix time as a context keeps it: whole seconds, those out of range at its ends."""
    return np.uint32(min(max(time, 0.0), _LAST_SECOND))


@inlined
def scale_of(scale: NDArray[np.float64], n_scales: float) -> float:
    """Return the seconds of the exponential."""
    return max(1.0, n_scales * math.exp(scale[0]))


@inlined
def weight_of(fading: np.float32, floor: float, gap_s: float, scale_s: float) -> np.float32:
    """Return what an item weighs, so long before or after the choice that it says something of."""
    return np.float32(fading * (floor + (1.0 - floor) * math.exp(-gap_s / scale_s)))


@inlined
def note_gap(scale: NDArray[np.float64], gap_s: float) -> None:
    """Count a gap between two events of a user; simultaneous ones have none."""
    if gap_s > 0:
        scale[1] = min(scale[1] + 1.0, _GAPS_REMEMBERED)
        scale[0] += (math.log(gap_s) - scale[0]) / scale[1]


@inlined
def put_first(tables: ContextTables, user: int, item: int, time: float) -> None:
    """Put an item before a user's last ones; there is room for a longer block."""
    blocks, seconds, n = tables.blocks, tables.seconds, len(tables.fading)
    if n:
        second, length = second_of(time), length_of(blocks, user)
        if length < n and (length == 0 or blocks.cells[start_of(blocks, user) + length - 1] >= 0):
            lengthen(blocks, user, 2)
            length = length_of(blocks, user)
        newest = start_of(blocks, user)
        if blocks.cells[newest] >= 0:
            note_gap(tables.scale, abs(float(second) - float(seconds[newest + length])))
        for at in range(newest + length - 1, newest, -1):
            blocks.cells[at] = blocks.cells[at - 1]
            seconds[at + length] = seconds[at + length - 1]
        blocks.cells[newest], seconds[newest + length] = item, second


@compiled_in_place
def follow(
    tables: ContextTables, users: NDArray[np.int64], items: NDArray[np.int64], seconds: NDArray[np.float64]
) -> None:
    """Put (B,) items before their users' last ones, one after the other."""
    for b in range(len(users)):
        put_first(tables, users[b], items[b], seconds[b])


@compiled
def last_of(tables: ContextTables, users: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return (B, n) users' last items, newest first, -1 at the end, and (B, n) when they were chosen."""
    blocks, shape = tables.blocks, (len(users), len(tables.fading))
    items, times = np.full(shape, NOTHING), np.zeros(shape, np.uint32)
    for b in range(len(users)):
        if users[b] < len(blocks.sizes):
            start, length = start_of(blocks, users[b]), length_of(blocks, users[b])
            for c in range(length):
                items[b, c], times[b, c] = blocks.cells[start + c], tables.seconds[start + length + c]
    return items, times


@compiled
def all_of(
    tables: ContextTables, n_users: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]:
    """Return (U,) how many last items users have, up to the oldest that is there, these, and their times."""
    blocks, n_items = tables.blocks, np.zeros(n_users, np.int64)
    for user in range(n_users):
        start = start_of(blocks, user)
        for c in range(length_of(blocks, user)):
            if blocks.cells[start + c] >= 0:
                n_items[user] = c + 1
    items, times, n_found = np.empty(n_items.sum(), np.int32), np.empty(n_items.sum(), np.uint32), 0
    for user in range(n_users):
        start, length = start_of(blocks, user), length_of(blocks, user)
        for c in range(n_items[user]):
            items[n_found], times[n_found] = blocks.cells[start + c], tables.seconds[start + length + c]
            n_found += 1
    return n_items, items, times


@compiled
def shares_after(tables: ContextTables, users: NDArray[np.int64], pause_s: float) -> NDArray[np.float32]:
    """Return (B, n) shares so long after the newest item, that sum to one or are all zero."""
    blocks, seconds = tables.blocks, tables.seconds
    shares = np.zeros((len(users), len(tables.fading)), np.float32)
    scale_s = scale_of(tables.scale, tables.n_scales)
    # Where all of a weight fades, it does so at the same rate for all items: nothing changes.
    pause_s = pause_s if tables.floor > 0 else 0.0
    for b in range(len(users)):
        start, length, whole = start_of(blocks, users[b]), length_of(blocks, users[b]), np.float32(0.0)
        newest = start + length
        for c in range(length):
            if blocks.cells[start + c] >= 0:
                gap_s = pause_s + abs(float(seconds[newest]) - float(seconds[newest + c]))
                shares[b, c] = weight_of(tables.fading[c], tables.floor, gap_s, scale_s)
                whole += shares[b, c]
        if whole > 0:
            for c in range(length):
                shares[b, c] /= whole
    return shares


@compiled
def order_shares(tables: ContextTables, users: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return (B,) of what users' items weigh at the newest, the part that time does not take; 1 of none."""
    blocks, seconds = tables.blocks, tables.seconds
    shares = np.ones(len(users), np.float32)
    scale_s = scale_of(tables.scale, tables.n_scales)
    for b in range(len(users)):
        start, length = start_of(blocks, users[b]), length_of(blocks, users[b])
        newest, of_order, whole = start + length, np.float32(0.0), np.float32(0.0)
        for c in range(length):
            if blocks.cells[start + c] >= 0:
                gap_s = abs(float(seconds[newest]) - float(seconds[newest + c]))
                of_order += np.float32(tables.floor * tables.fading[c])
                whole += weight_of(tables.fading[c], tables.floor, gap_s, scale_s)
        if whole > 0:
            shares[b] = of_order / whole
    return shares


@compiled
def times_of_newest(
    tables: ContextTables, users: NDArray[np.int64], items: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (B, n) when histories' last items were chosen, newest last, and (B,) of how many it is known.

    Parameters
    ----------
    items, ends
        Of one user after the other, newest last; (B,) where each user's end.
    """
    blocks, n = tables.blocks, len(tables.fading)
    times, n_known, begin = np.zeros((len(users), n), np.int64), np.zeros(len(users), np.int64), 0
    for b in range(len(users)):
        user, at, n_found = users[b], ends[b] - 1, 0
        if user < len(blocks.sizes):
            start, length = start_of(blocks, user), length_of(blocks, user)
            for c in range(length):
                if blocks.cells[start + c] >= 0:
                    if at < begin or items[at] != blocks.cells[start + c]:
                        break
                    times[b, n_found] = tables.seconds[start + length + c]
                    at -= 1
                    n_found += 1
        for c in range(n_found // 2):
            other = n_found - 1 - c
            times[b, c], times[b, other] = times[b, other], times[b, c]
        n_known[b], begin = n_found, ends[b]
    return times, n_known


def shortened(
    latest: NDArray[np.int32], times: NDArray[np.int32] | None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return what (U, n) tables hold: (U,) how many items, up to the last one, and (2, N) these and times."""
    is_item = latest >= 0
    n_items = np.where(is_item.any(axis=1), latest.shape[1] - is_item[:, ::-1].argmax(axis=1), 0)
    is_held = np.arange(latest.shape[1]) < n_items[:, None]
    items = latest[is_held]
    return n_items, np.stack([items, np.zeros_like(items) if times is None else times[is_held]])


def newest_of(
    n_items: NDArray[np.int64], columns: NDArray[np.int32], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return as `shortened` does the newest `n` of each user's items, of which the newest stand first."""
    if n_items.max(initial=0) <= n:
        return n_items, columns
    position = np.arange(columns.shape[1]) - np.repeat(np.cumsum(n_items) - n_items, n_items)
    return np.minimum(n_items, n), columns[:, position < n]
