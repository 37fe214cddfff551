"""Learning of events one after the other, each with some of the past that are replayed, compiled."""

import math

import numpy as np

from models.choices import collect, remember
from models.context_tables import put_first
from models.losses import SOFTMAX, gradient_of
from models.products import multiply_rows
from models.replay_memory import ReplayTables
from models.row_moves import move_items, move_output, move_pasts, move_users, note
from models.step_memory import Known, Lessons, Manner, Memory, Number, Row, Tables, Work
from streamrec.domain.rows.compiled import GOLDEN, compiled_beside_others, compiled_in_place, inlined, mixed
from streamrec.domain.rows.pair_bits import hash_of_item, hash_of_user, holds, put_new
from streamrec.domain.users.shown_items import ShownTables, put_shown

_NEVER = np.float32(-1e30)
"""Logit of an item that stands against nothing: in any loss it has no share."""


@compiled_beside_others
def learn_events(
    memory: Memory, manner: Manner, lessons: Lessons, work: Work, shown: ShownTables | None
) -> tuple[Number, int]:
    """Learn one event after the other; return their losses' sum, each before its step, and damaged rows.

    What was only shown is noted, for the user's next choice to stand against; with None the code is compiled
    without.
    """
    total: Number = 0.0
    n_damaged = 0
    for b in range(len(lessons.users)):
        if shown is not None:  # noqa: SIM102  # numba leaves out what depends on None alone
            if lessons.weights[b] < 0:
                _note_shown(shown, memory.known, lessons.users[b], lessons.items[b])
                continue
        loss, n_damaged_by_it = _learn_event(memory, manner, (lessons, b), work, shown)
        total += loss
        n_damaged += n_damaged_by_it
    return total, n_damaged


@compiled_in_place
def _learn_event(
    memory: Memory, manner: Manner, at: tuple[Lessons, int], work: Work, shown: ShownTables | None
) -> tuple[Number, int]:
    """Learn an event, and what is replayed with it; return the loss of the event, and damaged rows.

    All of them take their gradients at the same point, against the same candidates: these are in the
    processor's nearest memory for all of them.
    """
    (tables, context, replay, known, touched), (lessons, b) = memory, at
    user, item, weight, time = lessons.users[b], lessons.items[b], lessons.weights[b], lessons.times[b]
    seed = np.uint64(lessons.seeds[b])
    _make_known(known, user, item)
    if shown is not None:
        _take_shown(shown, known, work, user)
    _draw(known, replay, work, (seed, manner.recent_share))
    work.users[0], work.items[0], work.weights[0] = user, item, weight
    n = collect(context, replay, manner, work, (time, seed))
    _set_vectors(tables, work, n)
    _gather(tables, work)
    loss = _pull(known, work, n, manner.loss)
    n_damaged = move_items(tables, manner, work, touched)
    n_damaged += move_users(tables, manner, work) + move_pasts(tables, manner, work)
    if manner.output > 0:
        move_output(tables.output, manner, work)
    if len(context.fading):
        put_first(context, user, item, time)
        if manner.n_replayed:
            remember(context, replay, user, weight, seed)
    note(touched, item)
    return loss, n_damaged


@inlined
def _make_known(known: Known, user: Row, item: Row) -> None:
    """Note that a user chose an item: it may stand against others' choices now, no more against theirs."""
    if put_new(known.bits, hash_of_user(user) ^ hash_of_item(item)):
        known.n_new_pairs[0] += 1
    known.is_alive[item] = True
    known.n_items[0] = max(known.n_items[0], item + 1)


@compiled_in_place
def _note_shown(shown: ShownTables, known: Known, user: Row, item: Row) -> None:
    """Note that an item was shown, if it may stand against the user's choices."""
    pair = hash_of_user(user) ^ hash_of_item(item)
    is_known = holds(known.bits, pair) or (known.older_bits.size > 0 and holds(known.older_bits, pair))
    if known.is_alive[item] and not is_known:
        put_shown(shown, user, item)


@compiled_in_place
def _take_shown(shown: ShownTables, known: Known, work: Work, user: Row) -> None:
    """Let what was shown to the user since the last choice stand against the event, before any drawn item.

    Each counts as much as one that is drawn among all items. It is not drawn, so no weight would make the sum
    one over all items: it has this weight because the user passed it over.
    """
    first, n_shown = len(work.users), 0
    log_odds = math.log(max(1.0, known.n_items[0] / len(work.log_odds)))
    for at in range(min(np.int64(shown.counts[user]) - 1, shown.rings.shape[1])):
        row = np.int64(shown.rings[user, at])
        if row >= 0 and known.is_alive[row]:
            work.items[first + n_shown], work.hashes[first + n_shown] = row, hash_of_item(row)
            work.log_odds[n_shown] = log_odds
            n_shown += 1
    shown.counts[user] = 1
    work.n_shown[0] = n_shown


@compiled_in_place
def _draw(known: Known, replay: ReplayTables, work: Work, how: tuple[np.uint64, float]) -> None:
    """Draw items that may stand against an event, and against those that are replayed with it; -1: none.

    Those that were shown to the event's user come first. Of the others some are of the newest events, the
    rest of all items: what people choose now is most of the sum that the softmax takes, and would seldom be
    drawn among all. Each counts by the inverse of how often it is expected to be drawn (Bengio and Senécal
    2008, Adaptive Importance Sampling to Accelerate Training of a Neural Probabilistic Language Model,
    section III).

    Parameters
    ----------
    how
        What chance comes from, and the share of the newest events.
    """
    n_items, is_alive, (number, share) = np.uint64(known.n_items[0]), known.is_alive, how
    items, hashes, first, log_odds = work.items, work.hashes, len(work.users), work.log_odds
    n_shown = work.n_shown[0]
    n_drawn = len(log_odds) - n_shown
    n_newest = np.uint64(min(replay.n_seen[0], np.int64(replay.n_recent)))
    n_of_newest = np.int64(share * n_drawn) if n_newest > 0 else 0
    by_all = (n_drawn - n_of_newest) / float(known.n_items[0])
    by_newest = n_of_newest / max(1.0, float(n_newest))
    end_of_newest = n_shown + n_of_newest
    for c in range(n_shown, len(log_odds)):
        number += GOLDEN
        chance = mixed(number) >> np.uint64(32)
        if c < end_of_newest:
            row = np.int64(replay.items[np.int64((chance * n_newest) >> np.uint64(32))])
        else:
            row = np.int64((chance * n_items) >> np.uint64(32))
        is_there = row >= 0 and is_alive[row]
        items[first + c], hashes[first + c] = row if is_there else -1, hash_of_item(row)
        if is_there:
            n_times = replay.counts[row] if n_of_newest > 0 else 0
            log_odds[c] = -math.log(by_all + by_newest * n_times)


@compiled_in_place
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


@compiled_in_place
def _gather(tables: Tables, work: Work) -> None:
    """Set rows and biases of the items, and the logits of all of them for all choices."""
    items, rows = tables.items, work.rows
    for j in range(len(work.items)):
        row = work.items[j]
        if row >= 0:
            work.biases[j] = items[row, rows.shape[1]]
            for k in range(rows.shape[1]):
                rows[j, k] = items[row, k]
    multiply_rows(work.vectors, rows, work.logits)


@compiled_in_place
def _pull(known: Known, work: Work, n: int, loss: int) -> Number:
    """Set how strongly each choice pulls each item; return the loss of the first.

    For the softmax each item that was drawn stands for others: its logit grows by the logarithm of how many
    (Jean et al. 2015, On Using Very Large Target Vocabulary, section 3).
    """
    logits, biases, pulls, among = work.logits, work.biases, work.pulls, work.among
    loss_of_event: Number = 0.0
    n_choices = len(work.users)
    is_weighed = np.float32(1.0 if loss == SOFTMAX else 0.0)
    pulls[:] = 0
    for choice in range(n):
        n_kept = _keep(known, work, choice)
        odds = max(1.0, known.n_items[0] / n_kept) if loss == SOFTMAX and n_kept else 1.0
        among[0] = logits[choice, choice] + biases[choice]
        for c in range(len(work.is_kept)):
            logit = logits[choice, n_choices + c] + biases[n_choices + c]
            among[1 + c] = logit + is_weighed * work.log_odds[c] if work.is_kept[c] else _NEVER
        found, size = gradient_of(loss, among, work.powers, work.power_bits)
        # Without anything to stand against there is nothing to learn.
        strength = work.weights[choice] * np.float32(size) if n_kept else np.float32(0.0)
        pulls[choice, choice] = strength * among[0]
        for c in range(len(work.is_kept)):
            pulls[choice, n_choices + c] = strength * among[1 + c]
        if choice == 0:
            # Among what was drawn: a catalogue that grows would else look like a model that gets worse.
            loss_of_event = found + math.log(1.0 - size + size / odds) if odds > 1.0 else found
    for choice in range(n_choices):
        for j in range(len(work.items)):
            work.pulls_of_items[j, choice] = pulls[choice, j]
    return loss_of_event


@compiled_in_place
def _keep(known: Known, work: Work, choice: Row) -> int:
    """Set which of the drawn items may stand against a choice, for its user does not know them.

    Returns
    -------
    n_kept
        Number of these items.
    """
    items, hashes, is_kept, first, n_kept = work.items, work.hashes, work.is_kept, len(work.users), 0
    bits, older, of_user, item = known.bits, known.older_bits, hash_of_user(work.users[choice]), items[choice]
    # What was shown to one user says nothing of others, nor of that user's earlier choices.
    first_kept = work.n_shown[0] if choice > 0 else 0
    for c in range(len(is_kept)):
        row = items[first + c]
        # Without branches, which the processor would guess wrong.
        is_free = (row >= 0) & (row != item) & (c >= first_kept)
        is_kept[c] = is_free & (not holds(bits, of_user ^ hashes[first + c]))
    if older.size:
        for c in range(len(is_kept)):
            is_kept[c] &= not holds(older, of_user ^ hashes[first + c])
    for c in range(len(is_kept)):
        n_kept += is_kept[c]
    return n_kept
