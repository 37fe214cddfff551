"""Learning of events one after the other, each with some of the past that are replayed, compiled."""

import math

import numpy as np

from models.choices import collect, remember
from models.context_tables import put_first
from models.losses import SOFTMAX, gradient_of
from models.row_moves import move_candidates, move_output, move_own_items, move_pasts, move_users, note
from models.step_memory import Floats, Known, Lessons, Manner, Memory, Number, Row, Tables, Work, new_work
from streamrec.domain.rows.compiled import GOLDEN, compiled, inlined, mixed
from streamrec.domain.rows.pair_bits import hash_of_item, hash_of_user, holds, put_new


@compiled
def learn_events(memory: Memory, manner: Manner, lessons: Lessons, n_negatives: int) -> tuple[Number, int]:
    """Learn one event after the other; return their losses' sum, each before its step, and damaged rows.

    An event and what is replayed with it take their gradients at the same point, against the same candidates:
    these are in the processor's nearest memory for all of them.
    """
    tables, context, replay, known, touched = memory
    users, items, weights, times = lessons.users, lessons.items, lessons.weights, lessons.times
    work = new_work(1 + manner.n_replayed, len(tables.output), context.latest.shape[1], n_negatives)
    total: Number = 0.0
    n_damaged = 0
    # One loop over flat memory: a function for an event would count references to all tables at each call.
    for b in range(len(users)):
        seed = np.uint64(lessons.seeds[b])
        _make_known(known, users[b], items[b])
        _draw(known, work, seed)
        n = collect(memory, manner, work, lessons, b)
        _set_vectors(tables, work, n)
        total += _pull(tables, known, work, n, manner.loss)
        n_damaged += move_candidates(tables, manner, work, touched, n)
        n_damaged += move_own_items(tables, manner, work, touched, n)
        n_damaged += move_users(tables, manner, work, n)
        n_damaged += move_pasts(tables, manner, work, n)
        if manner.output > 0:
            move_output(tables.output, manner, work)
        if context.latest.shape[1]:
            put_first(context, users[b], items[b], times[b])
            if manner.n_replayed:
                remember(context, replay, users[b], weights[b], seed)
        note(touched, items[b])
    return total, n_damaged


@inlined
def _make_known(known: Known, user: Row, item: Row) -> None:
    """Note that a user chose an item: it may stand against others' choices now, no more against theirs."""
    if put_new(known.bits, hash_of_user(user) ^ hash_of_item(item)):
        known.n_new_pairs[0] += 1
    known.is_alive[item] = True
    known.n_items[0] = max(known.n_items[0], item + 1)


@compiled
def _draw(known: Known, work: Work, seed: np.uint64) -> None:
    """Draw items that may stand against an event, and against those that are replayed with it; -1: none."""
    n_items, is_alive, number = np.uint64(known.n_items[0]), known.is_alive, seed
    candidates, hashes = work.candidates, work.hashes
    for c in range(len(candidates)):
        number += GOLDEN
        row = np.int64(((mixed(number) >> np.uint64(32)) * n_items) >> np.uint64(32))
        candidates[c], hashes[c] = row if is_alive[row] else -1, hash_of_item(row)


@compiled
def _set_vectors(tables: Tables, work: Work, n: int) -> None:
    users, of_past, output = tables.users, tables.past, tables.output
    inner, vectors, past, parts = work.inner, work.vectors, work.past, work.parts
    for choice in range(n):
        user = work.users[choice]
        for k in range(len(output)):
            inner[choice, k] = users[user, k]
        for c in range(parts.shape[1]):
            if parts[choice, c] > 0:
                part, row = parts[choice, c], past[choice, c]
                for k in range(len(output)):
                    inner[choice, k] += part * of_past[row, k]
        for k in range(len(output)):
            vectors[choice, k] = inner[choice, k] * output[k]


@compiled
def _pull(tables: Tables, known: Known, work: Work, n: int, loss: int) -> Number:
    """Set how strongly each choice pulls its item and the candidates; return the loss of the first.

    For the softmax each candidate stands for all items that were not drawn: its logit grows by the logarithm
    of how many (Jean et al. 2015, On Using Very Large Target Vocabulary, section 3).
    """
    pulls, kept, logits = work.pulls, work.kept, work.logits
    loss_of_event: Number = 0.0
    for choice in range(n):
        logits[0] = _logit(tables.items, work.vectors, choice, work.items[choice])
        n_kept = _gather(tables, known, work, choice)
        odds = max(1.0, known.n_items[0] / n_kept) if loss == SOFTMAX and n_kept else 1.0
        log_odds = np.float32(math.log(odds))
        for c in range(1, 1 + n_kept):
            logits[c] += log_odds
        found, size = gradient_of(loss, logits[: 1 + n_kept], work.powers, work.power_bits)
        # Without anything to stand against there is nothing to learn.
        strength = work.weights[choice] * np.float32(size) if n_kept else np.float32(0.0)
        work.own[choice] = strength * logits[0]
        pulls[choice, :] = 0
        for c in range(n_kept):
            pulls[choice, kept[c]] = strength * logits[1 + c]
        if choice == 0:
            # Among what was drawn: a catalogue that grows would else look like a model that gets worse.
            loss_of_event = found + math.log(1.0 - size + size / odds) if odds > 1.0 else found
    return loss_of_event


@inlined
def _logit(items: Floats, vectors: Floats, choice: Row, row: Row) -> np.float32:
    logit = np.float32(items[row, vectors.shape[1]])
    for k in range(vectors.shape[1]):
        logit += items[row, k] * vectors[choice, k]
    return logit


@compiled
def _gather(tables: Tables, known: Known, work: Work, choice: Row) -> int:
    """Set positions and logits of the candidates that a choice's user does not know; return their number."""
    items, vectors, candidates, kept = tables.items, work.vectors, work.candidates, work.kept
    bits, older, of_user, item = (
        known.bits,
        known.older_bits,
        hash_of_user(work.users[choice]),
        work.items[choice],
    )
    n = 0
    for c in range(len(candidates)):
        row, pair = candidates[c], of_user ^ work.hashes[c]
        if row >= 0 and row != item and not holds(bits, pair) and not (older.size > 0 and holds(older, pair)):
            kept[n] = c
            n += 1
            work.logits[n] = _logit(items, vectors, choice, row)
    return n
