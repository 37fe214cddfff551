"""Choices that an event teaches, its own and those replayed with it, and what was chosen around them."""

import numpy as np

from models.context_tables import N_AHEAD, ContextTables, scale_of, second_of, weight_of
from models.replay_memory import ReplayTables, drawn, next_slots
from models.step_memory import Lessons, Manner, Memory, Number, Row, Work
from streamrec.domain.rows.compiled import GOLDEN, compiled, inlined, mixed


@compiled
def collect(memory: Memory, manner: Manner, work: Work, lessons: Lessons, b: Row) -> int:
    """Set the choice of the b-th event, and those replayed with it; return how many there are."""
    context, replay, seed = memory.context, memory.replay, np.uint64(lessons.seeds[b])
    work.users[0], work.items[0], work.weights[0] = lessons.users[b], lessons.items[b], lessons.weights[b]
    _look_back(context, work, lessons.times[b])
    n = 1
    for number in range(1, 1 + manner.n_replayed):
        slot = drawn(replay, number, seed)
        if slot >= 0:
            work.users[n], work.items[n] = np.int64(replay.users[slot]), np.int64(replay.items[slot])
            work.weights[n] = replay.weights[slot]
            _look_around(
                context, replay, work, (n, slot), mixed(seed ^ np.uint64(number)), manner.ahead_share
            )
            n += 1
    return n


@inlined
def _look_back(context: ContextTables, work: Work, time: Number) -> None:
    """Set the past of the event's user as it is now, without the event's item.

    An item that is chosen again would else explain itself, and only grow (FISM leaves it out as well).
    """
    latest, times, past, parts = context.latest, context.times, work.past, work.parts
    user, item = work.users[0], work.items[0]
    scale_s, now, whole = scale_of(context.scale, context.n_scales), float(second_of(time)), np.float32(0.0)
    for c in range(parts.shape[1]):
        row = np.int64(latest[user, c])
        past[0, c], parts[0, c] = row, np.float32(0.0)
        if row >= 0 and row != item:
            gap_s = abs(now - float(times[user, c]))
            parts[0, c] = weight_of(context.fading[c], context.floor, gap_s, scale_s)
            whole += parts[0, c]
    _share(work, 0, whole)


@inlined
def _look_around(
    context: ContextTables,
    replay: ReplayTables,
    work: Work,
    at: tuple[Row, Row],
    number: np.uint64,
    ahead_share: float,
) -> None:
    """Set the past that a choice is replayed with.

    With the chance `ahead_share` it holds some of what was chosen after it as well: both sides tell what goes
    with it.

    Parameters
    ----------
    at
        Position among the choices, and slot in the memory.
    """
    past, parts, first, whole = work.past, work.parts, np.int64(N_AHEAD), np.float32(0.0)
    choice, slot = at
    if float(number >> np.uint64(40)) < ahead_share * float(1 << 24):
        first -= 1 + np.int64(number % np.uint64(N_AHEAD))
    scale_s, now, n = scale_of(context.scale, context.n_scales), float(replay.times[slot]), 0
    parts[choice, :] = 0
    for c in range(first, replay.context.shape[1]):
        row = np.int64(replay.context[slot, c])
        if row >= 0 and row != replay.items[slot] and n < parts.shape[1]:
            gap_s = abs(now - float(replay.context_times[slot, c]))
            past[choice, n] = row
            parts[choice, n] = weight_of(context.fading[n], context.floor, gap_s, scale_s)
            whole += parts[choice, n]
            n += 1
    _share(work, choice, whole)


@inlined
def _share(work: Work, choice: Row, whole: Number) -> None:
    """Let parts sum up to one."""
    if whole > 0:
        for c in range(work.parts.shape[1]):
            work.parts[choice, c] /= whole


@compiled
def remember(
    context: ContextTables, replay: ReplayTables, user: Row, weight: Number, seed: np.uint64
) -> None:
    """Keep the newest of a user's last choices for replay, and add it to the context of those before it."""
    latest, times, slots = context.latest, context.times, context.slots
    recent, sampled = next_slots(replay, mixed(seed ^ GOLDEN))
    slots[user, 0, 0], slots[user, 1, 0] = recent, sampled
    for kind in range(2):
        slot = slots[user, kind, 0]
        if slot >= 0:
            replay.users[slot], replay.items[slot], replay.weights[slot] = user, latest[user, 0], weight
            replay.times[slot] = times[user, 0]
            for c in range(N_AHEAD):
                replay.context[slot, c] = -1
            for c in range(latest.shape[1]):
                # The event itself has the place of the item before all that come next.
                at = N_AHEAD + c
                replay.context[slot, at] = latest[user, c + 1] if c + 1 < latest.shape[1] else -1
                replay.context_times[slot, at] = times[user, c + 1] if c + 1 < latest.shape[1] else 0
        for back in range(1, min(N_AHEAD + 1, latest.shape[1])):
            slot = slots[user, kind, back]
            # It may hold another event by now.
            if slot >= 0 and replay.users[slot] == user and replay.items[slot] == latest[user, back]:
                replay.context[slot, N_AHEAD - back] = latest[user, 0]
                replay.context_times[slot, N_AHEAD - back] = times[user, 0]
