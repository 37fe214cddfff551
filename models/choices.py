"""Choices that an event teaches, its own and those replayed with it, and what was chosen around them."""

import numpy as np

from models.context_tables import N_AHEAD, ContextTables, scale_of, second_of
from models.exponentials import exponentiate
from models.replay_memory import ReplayTables, count_newest, drawn, next_slots
from models.step_memory import Manner, Number, Row, Work
from streamrec.domain.rows.compiled import GOLDEN, compiled, inlined, mixed


@compiled
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
    latest, times, past, exponents = context.latest, context.times, work.past, work.parts
    user, item, now = work.users[0], work.items[0], float(second_of(time))
    for c in range(past.shape[1]):
        row = np.int64(latest[user, c])
        past[0, c] = row if row != item else np.int64(-1)
        exponents[0, c] = -abs(now - float(times[user, c])) / scale_s


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
            if kind == 0:
                count_newest(replay, slot, latest[user, 0])
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
