"""Memory of users' last items, and the loops over it, compiled."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, inlined
from streamrec.domain.users.context import LAST_SECOND

NOTHING = -1
"""Marks a slot in which a user has no further item, or one that was forgotten."""

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
    latest
        (U, n) the users' last items, newest first, -1 at the end.
    times
        (U, n) Unix seconds of these.
    slots
        (U, 2, 1 + N_AHEAD) where the newest of these are kept for replay, in the ring and in the sample.
    fading
        (n,) what an item weighs beside the newest, by the number of those after it.
    floor
        Share of an item's weight that time does not take away.
    scale
        (2,) mean of the logarithms of the gaps between a user's events, in seconds, and of how many it is.
    n_scales
        Mean gaps after which an item weighs 1/e of what it did, beside the floor.
    """

    latest: NDArray[np.int32]
    times: NDArray[np.uint32]
    slots: NDArray[np.int32]
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
    """Put an item before a user's last ones; it is not kept for replay."""
    latest, times, slots = tables.latest, tables.times, tables.slots
    n = latest.shape[1]
    if n:
        second = second_of(time)
        if latest[user, 0] >= 0:
            note_gap(tables.scale, abs(float(second) - float(times[user, 0])))
        for c in range(n - 1, 0, -1):
            latest[user, c] = latest[user, c - 1]
            times[user, c] = times[user, c - 1]
        latest[user, 0], times[user, 0] = item, second
        for c in range(N_AHEAD, 0, -1):
            slots[user, 0, c] = slots[user, 0, c - 1]
            slots[user, 1, c] = slots[user, 1, c - 1]
        slots[user, :, 0] = NOTHING


@compiled
def follow(
    tables: ContextTables, users: NDArray[np.int64], items: NDArray[np.int64], seconds: NDArray[np.float64]
) -> None:
    """Put (B,) items before their users' last ones, one after the other."""
    for b in range(len(users)):
        put_first(tables, users[b], items[b], seconds[b])


@compiled
def shares_after(tables: ContextTables, users: NDArray[np.int64], pause_s: float) -> NDArray[np.float32]:
    """Return (B, n) shares so long after the newest item, that sum to one or are all zero."""
    latest, times, n = tables.latest, tables.times, tables.latest.shape[1]
    shares = np.zeros((len(users), n), np.float32)
    scale_s = scale_of(tables.scale, tables.n_scales)
    # Where all of a weight fades, it does so at the same rate for all items: nothing changes.
    pause_s = pause_s if tables.floor > 0 else 0.0
    for b in range(len(users)):
        user, whole = users[b], np.float32(0.0)
        for c in range(n):
            if latest[user, c] >= 0:
                gap_s = pause_s + abs(float(times[user, 0]) - float(times[user, c]))
                shares[b, c] = weight_of(tables.fading[c], tables.floor, gap_s, scale_s)
                whole += shares[b, c]
        if whole > 0:
            for c in range(n):
                shares[b, c] /= whole
    return shares


@compiled
def order_shares(tables: ContextTables, users: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return (B,) of what users' items weigh at the newest, the part that time does not take; 1 of none."""
    latest, times, n = tables.latest, tables.times, tables.latest.shape[1]
    shares = np.ones(len(users), np.float32)
    scale_s = scale_of(tables.scale, tables.n_scales)
    for b in range(len(users)):
        user, of_order, whole = users[b], np.float32(0.0), np.float32(0.0)
        for c in range(n):
            if latest[user, c] >= 0:
                gap_s = abs(float(times[user, 0]) - float(times[user, c]))
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
    latest, n = tables.latest, tables.latest.shape[1]
    times, n_known, start = np.zeros((len(users), n), np.int64), np.zeros(len(users), np.int64), 0
    for b in range(len(users)):
        user, at, n_found = users[b], ends[b] - 1, 0
        if user < len(latest):
            for c in range(n):
                if latest[user, c] >= 0:
                    if at < start or items[at] != latest[user, c]:
                        break
                    times[b, n_found] = tables.times[user, c]
                    at -= 1
                    n_found += 1
        for c in range(n_found // 2):
            other = n_found - 1 - c
            times[b, c], times[b, other] = times[b, other], times[b, c]
        n_known[b], start = n_found, ends[b]
    return times, n_known
