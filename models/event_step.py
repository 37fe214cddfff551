"""Learning of events one after the other, each with some of the past that are replayed, compiled."""

import math

import numpy as np

from models.context_tables import N_AHEAD, ContextTables, put_first, scale_of, second_of, weight_of
from models.losses import SOFTMAX, gradient_of
from models.replay_memory import ReplayTables, drawn, next_slots
from models.row_moves import move_items, move_output, move_past, move_user, note
from models.step_memory import Known, Lessons, Manner, Memory, Number, Row, Rows, Tables, Work, new_work
from streamrec.domain.rows.compiled import compiled, inlined, mixed
from streamrec.domain.rows.pair_bits import hash_of_item, hash_of_user, holds, put

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@compiled
def learn_events(memory: Memory, manner: Manner, lessons: Lessons, n_negatives: int) -> tuple[Number, int]:
    """Learn one event after the other; return their losses' sum, each before its step, and damaged rows."""
    tables, context, replay, known, touched = memory
    users, items, weights, times = lessons.users, lessons.items, lessons.weights, lessons.times
    work = new_work(len(tables.output), context.latest.shape[1], n_negatives)
    total: Number = 0.0
    n_damaged = 0
    # One loop over flat memory: a function for an event would count references to all tables at each call.
    for b in range(len(users)):
        seed = np.uint64(lessons.seeds[b])
        _make_known(known, users[b], items[b])
        _draw(known, work.candidates, seed)
        squares = _look_back(context, work, users[b], items[b], times[b])
        loss, n = _step(memory, manner, work, (users[b], items[b], weights[b], squares), manner.output)
        total += loss
        n_damaged += n
        for number in range(1, 1 + manner.n_replayed):
            slot = drawn(replay, number, seed)
            if slot >= 0:
                user, item = np.int64(replay.users[slot]), np.int64(replay.items[slot])
                chance = mixed(seed ^ np.uint64(number))
                squares = _look_into(context, replay, work, slot, chance, manner.ahead_share)
                _, n = _step(memory, manner, work, (user, item, replay.weights[slot], squares), 0.0)
                n_damaged += n
        if len(work.parts):
            put_first(context, users[b], items[b], times[b])
            if manner.n_replayed:
                _remember(context, replay, users[b], weights[b], seed)
        note(touched, items[b])
    return total, n_damaged


@inlined
def _step(
    memory: Memory,
    manner: Manner,
    work: Work,
    lesson: tuple[Row, Row, Number, Number],
    output_rate: float,
) -> tuple[Number, int]:
    """Move user, past, item and negatives for one choice; return its loss, and how many rows were damaged.

    Parameters
    ----------
    lesson
        User and item, the weight, and the sum of the squares of the past's parts.
    """
    tables, touched = memory.tables, memory.touched
    user, item, weight, squares = lesson
    n_damaged = 0
    _set_vectors(tables, work, user)
    n = _gather(tables, memory.known, work, user, item, manner.loss)
    loss, size = gradient_of(manner.loss, work.pulls[:n])
    # Without anything to stand against there is nothing to learn.
    strength = weight * size if n > 1 else np.float32(0.0)
    if strength > 0:
        grad2, n_damaged = move_items(tables, manner, work, touched, n, strength)
        n_damaged += move_user(tables, manner, work.grad_user, user, strength, grad2)
        if squares > 0:
            n_damaged += move_past(tables, manner, work, strength, grad2)
        if output_rate > 0:
            move_output(tables.output, output_rate, work, strength, manner)
    return loss, n_damaged


@inlined
def _make_known(known: Known, user: Row, item: Row) -> None:
    """Note that a user chose an item: it may stand against others' choices now, no more against theirs."""
    pair = hash_of_user(user) ^ hash_of_item(item)
    if not holds(known.bits, pair):
        put(known.bits, pair)
        known.n_new_pairs[0] += 1
    known.is_alive[item] = True
    known.n_items[0] = max(known.n_items[0], item + 1)


@compiled
def _draw(known: Known, candidates: Rows, seed: np.uint64) -> None:
    """Draw items that may stand against an event, and against those that are replayed with it; -1: none."""
    n_items, is_alive = np.uint64(known.n_items[0]), known.is_alive
    number = seed
    for c in range(len(candidates)):
        number += _GOLDEN
        row = np.int64(((mixed(number) >> np.uint64(32)) * n_items) >> np.uint64(32))
        candidates[c] = row if is_alive[row] else -1


@compiled
def _look_back(context: ContextTables, work: Work, user: Row, item: Row, time: Number) -> Number:
    """Set a user's past as it is now, without the event's item; return the sum of the parts' squares.

    An item that is chosen again would else explain itself, and only grow (FISM leaves it out as well).
    """
    latest, times, past, parts = context.latest, context.times, work.past, work.parts
    scale_s, now, whole = scale_of(context.scale, context.n_scales), float(second_of(time)), np.float32(0.0)
    for c in range(len(parts)):
        row = np.int64(latest[user, c])
        past[c], parts[c] = row, np.float32(0.0)
        if row >= 0 and row != item:
            parts[c] = weight_of(context.fading[c], context.floor, abs(now - float(times[user, c])), scale_s)
            whole += parts[c]
    return _in_shares(parts, whole)


@compiled
def _look_into(
    context: ContextTables, replay: ReplayTables, work: Work, slot: Row, number: np.uint64, ahead_share: float
) -> Number:
    """Set the past that an event is replayed with; return the sum of the parts' squares.

    With the chance `ahead_share` it holds some of the choices after the event as well: both sides tell what
    goes with it.
    """
    past, parts, first, whole = work.past, work.parts, np.int64(N_AHEAD), np.float32(0.0)
    if float(number >> np.uint64(40)) < ahead_share * float(1 << 24):
        first -= 1 + np.int64(number % np.uint64(N_AHEAD))
    scale_s, now, n = scale_of(context.scale, context.n_scales), float(replay.times[slot]), 0
    parts[:] = 0
    for c in range(first, replay.context.shape[1]):
        row = np.int64(replay.context[slot, c])
        if row >= 0 and row != replay.items[slot] and n < len(parts):
            gap_s = abs(now - float(replay.context_times[slot, c]))
            past[n], parts[n] = row, weight_of(context.fading[n], context.floor, gap_s, scale_s)
            whole += parts[n]
            n += 1
    return _in_shares(parts, whole)


@inlined
def _in_shares(parts: np.ndarray, whole: Number) -> Number:
    squares = np.float32(0.0)
    if whole > 0:
        for c in range(len(parts)):
            parts[c] /= whole
            squares += parts[c] * parts[c]
    return squares


@compiled
def _set_vectors(tables: Tables, work: Work, user: Row) -> None:
    users, of_past, output = tables.users, tables.past, tables.output
    inner, vector, past, parts = work.inner, work.vector, work.past, work.parts
    for k in range(len(inner)):
        inner[k] = users[user, k]
    for c in range(len(parts)):
        if parts[c] > 0:
            part, row = parts[c], past[c]
            for k in range(len(inner)):
                inner[k] += part * of_past[row, k]
    for k in range(len(inner)):
        vector[k] = inner[k] * output[k]


@compiled
def _gather(tables: Tables, known: Known, work: Work, user: Row, item: Row, loss: int) -> int:
    """Set rows and logits of the item and of the negatives that count; return their number.

    For the softmax each negative stands for all items that were not drawn: its logit grows by the logarithm
    of how many (Jean et al. 2015, On Using Very Large Target Vocabulary, section 3).
    """
    items, rows, logits, vector, candidates = (
        tables.items,
        work.rows,
        work.pulls,
        work.vector,
        work.candidates,
    )
    bits, older, of_user = known.bits, known.older_bits, hash_of_user(user)
    rows[0], n = item, 1
    for c in range(len(candidates)):
        row = candidates[c]
        if row >= 0 and row != item:
            pair = of_user ^ hash_of_item(row)
            if not holds(bits, pair) and not (older.size > 0 and holds(older, pair)):
                rows[n] = row
                n += 1
    bias = len(vector)
    for c in range(n):
        row = rows[c]
        logit = np.float32(0.0)
        for k in range(bias):
            logit += items[row, k] * vector[k]
        logits[c] = logit + items[row, bias]
    if loss == SOFTMAX and n > 1:
        log_odds = np.float32(math.log(max(1.0, known.n_items[0] / (n - 1))))
        for c in range(1, n):
            logits[c] += log_odds
    return n


@compiled
def _remember(
    context: ContextTables, replay: ReplayTables, user: Row, weight: Number, seed: np.uint64
) -> None:
    """Keep the newest of a user's last choices for replay, and add it to the context of those before it."""
    latest, times, slots = context.latest, context.times, context.slots
    recent, sampled = next_slots(replay, mixed(seed ^ _GOLDEN))
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
