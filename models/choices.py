"""Choices that an event teaches, its own and those replayed with it, and what was chosen around them."""

import numpy as np

from models.context_tables import N_AHEAD, ContextTables, scale_of, second_of
from models.exponentials import exponentiate
from models.replay_memory import (
    MOST_OF_USER,
    ReplayTables,
    count_newest,
    drawn,
    let_go,
    link_to,
    next_slots,
)
from models.step_memory import Manner, Number, Row, Work
from streamrec.domain.blocks.block_memory import length_of, start_of
from streamrec.domain.rows.compiled import GOLDEN, compiled_in_place, inlined, mixed


@compiled_in_place
def collect(
    context: ContextTables, replay: ReplayTables, manner: Manner, work: Work, event: tuple[Number, np.uint64]
) -> int:
    """Add to an event's choice those replayed with it, and the pasts of all; return how many there are.

    Parameters
    ----------
    event
        Unix seconds, and what its chance comes from.
    """
    time, seed = event
    scale_s = scale_of(context.scale, context.n_scales)
    _look_back(context, work, time, scale_s)
    n = 1
    for number in range(1, 1 + manner.n_replayed):
        slot = drawn(replay, number, seed)
        if slot >= 0:
            work.users[n], work.items[n] = np.int64(replay.users[slot]), np.int64(replay.items[slot])
            work.weights[n] = replay.weights[slot]
            chance = mixed(seed ^ np.uint64(number))
            _look_around(replay, work, (n, slot), scale_s, _first_of_context(chance, manner.ahead_share))
            n += 1
    work.items[n : len(work.users)] = -1
    _weigh(context, work, n)
    return n


@inlined
def _look_back(context: ContextTables, work: Work, time: Number, scale_s: float) -> None:
    """Set the past of the event's user as it is now, without the event's item.

    An item that is chosen again would else explain itself, and only grow (FISM leaves it out as well).
    """
    blocks, past, exponents = context.blocks, work.past, work.parts
    user, item, now = work.users[0], work.items[0], float(second_of(time))
    newest, length = start_of(blocks, user), length_of(blocks, user)
    for c in range(length):
        row = np.int64(blocks.cells[newest + c])
        past[0, c] = row if row != item else np.int64(-1)
        exponents[0, c] = -abs(now - float(context.seconds[newest + length + c])) / scale_s
    past[0, length:], exponents[0, length:] = -1, 0


@inlined
def _first_of_context(number: np.uint64, ahead_share: float) -> np.int64:
    """Return where the past that a choice is replayed with begins in what is kept of it.

    With the chance `ahead_share` it holds some of what was chosen after it as well: both sides tell what goes
    with it.
    """
    is_ahead = float(number >> np.uint64(40)) < ahead_share * float(1 << 24)
    return np.int64(N_AHEAD) - (1 + np.int64(number % np.uint64(N_AHEAD)) if is_ahead else 0)


@inlined
def _look_around(
    replay: ReplayTables, work: Work, at: tuple[Row, Row], scale_s: float, first: np.int64
) -> None:
    """Set the past that a choice is replayed with.

    Parameters
    ----------
    at
        Position among the choices, and slot in the memory.
    """
    past, exponents, now, n = work.past, work.parts, float(replay.times[at[1]]), 0
    choice, slot = at
    past[choice, :] = -1
    for c in range(first, replay.context.shape[1]):
        row = np.int64(replay.context[slot, c])
        if row >= 0 and row != replay.items[slot] and n < past.shape[1]:
            past[choice, n] = row
            exponents[choice, n] = -abs(now - float(replay.context_times[slot, c])) / scale_s
            n += 1


@inlined
def _weigh(context: ContextTables, work: Work, n: int) -> None:
    """Make parts that sum up to one of the exponents of n choices' pasts."""
    past, parts, fading = work.past, work.parts, context.fading
    floor, rest = np.float32(context.floor), np.float32(1.0 - context.floor)
    exponentiate(parts.reshape(parts.size)[: n * parts.shape[1]], work.powers, work.power_bits)
    for choice in range(n):
        whole = np.float32(0.0)
        for c in range(parts.shape[1]):
            weight = fading[c] * (floor + rest * parts[choice, c])
            parts[choice, c] = weight if past[choice, c] >= 0 else np.float32(0.0)
            whole += parts[choice, c]
        share = np.float32(1.0) / max(whole, np.float32(1e-30))
        for c in range(parts.shape[1]):
            parts[choice, c] *= share


@compiled_in_place
def remember(
    context: ContextTables, replay: ReplayTables, user: Row, weight: Number, seed: np.uint64
) -> None:
    """Keep the newest of a user's last choices for replay, and add it to the context of those before it."""
    cells, newest = context.blocks.cells, start_of(context.blocks, user)
    length, n_context = length_of(context.blocks, user), len(context.fading)
    times = newest + length
    recent, sampled = next_slots(replay, mixed(seed ^ GOLDEN))
    for kind in range(2):
        slot = recent if kind == 0 else sampled
        if slot >= 0:
            let_go(replay, context.kept, kind, slot)
            if kind == 0:
                count_newest(replay, slot, cells[newest])
            replay.users[slot], replay.items[slot], replay.weights[slot] = user, cells[newest], weight
            replay.times[slot] = context.seconds[times]
            for c in range(N_AHEAD):
                replay.context[slot, c] = -1
            for c in range(n_context):
                # The event itself has the place of the item before all that come next.
                at = N_AHEAD + c
                replay.context[slot, at] = cells[newest + c + 1] if c + 1 < length else -1
                replay.context_times[slot, at] = context.seconds[times + c + 1] if c + 1 < length else 0
            replay.older[slot] = context.kept[user, kind]
            context.kept[user, kind] = slot + 1
        _add_to_earlier(context, replay, user, kind)


@inlined
def _add_to_earlier(context: ContextTables, replay: ReplayTables, user: Row, kind: int) -> None:
    """Add a user's newest item to the contexts of the events before it that are kept; let older ones go."""
    cells, newest = context.blocks.cells, start_of(context.blocks, user)
    times = newest + length_of(context.blocks, user)
    most = min(np.int64(N_AHEAD + 1), length_of(context.blocks, user))
    back, later, link = 0, np.int64(-1), np.int64(context.kept[user, kind])
    # Of a user no more are kept than there are places; those that were forgotten come off the chain.
    for _ in range(MOST_OF_USER):
        if not 0 < link <= len(replay.older):
            break
        slot, link = link - 1, np.int64(replay.older[link - 1])
        if replay.items[slot] < 0:
            link_to(replay, context.kept, (user, kind, later), link)
            continue
        while back < most and (
            cells[newest + back] != replay.items[slot] or context.seconds[times + back] != replay.times[slot]
        ):
            back += 1
        if back >= most or replay.users[slot] != user:
            link_to(replay, context.kept, (user, kind, later), 0)
            break
        if back > 0:
            replay.context[slot, N_AHEAD - back] = cells[newest]
            replay.context_times[slot, N_AHEAD - back] = context.seconds[times]
        back, later = back + 1, slot
