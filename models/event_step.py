"""Learning of events one after the other, compiled: the gradient of each, and the length of its step."""

import numpy as np
from numpy.typing import NDArray

from models.context import put_first
from models.losses import gradient_of
from models.row_moves import move_items, move_output, move_past, move_user, note, rates_of
from models.step_memory import Floats, Lessons, Manner, Number, Row, Tables, Touched, Work, new_work
from streamrec.domain.rows.compiled import compiled


@compiled
def learn_events(tables: Tables, manner: Manner, lessons: Lessons, touched: Touched) -> tuple[Number, int]:
    """Learn one event after the other; return their losses' sum, each before its step, and damaged rows."""
    users, items, weights, negatives = lessons.users, lessons.items, lessons.weights, lessons.negatives
    work = new_work(len(tables.output), len(tables.fading), negatives.shape[1])
    total: Number = 0.0
    n_damaged = 0
    # One loop over flat memory: a function for an event would count references to all tables at each call,
    # which takes longer than learning.
    for b in range(len(users)):
        user, item = users[b], items[b]
        context2 = _look(tables, work, user, item)
        n = _gather(tables.items, manner.n_moved, work, item, negatives[b])
        loss, size = gradient_of(manner.loss, work.pulls[:n])
        steepness = (manner.user + manner.context * context2) * _aim(tables.items, tables.output, work, n)
        steepness += _steepness_of_items(tables.learned, manner, work, n)
        scale = _length(weights[b], steepness * size, manner.margin_step)
        n_damaged += move_user(tables.users, manner, work.grad_user, user, scale, scale * size)
        n_damaged += move_past(tables, manner, work, user, scale * size)
        n_damaged += move_items(tables, manner, work, n, scale * size)
        note(touched, tables.latest, work, user, n)
        if manner.output > 0:
            move_output(tables.output, manner, work, scale * size)
        put_first(tables.latest, user, item)
        total += loss
    return total, n_damaged


@compiled
def replay_events(tables: Tables, manner: Manner, lessons: Lessons) -> None:
    """Let users learn from past positives again, against the negatives of the event that they come with."""
    users, replayed, weights, negatives = lessons.users, lessons.replayed, lessons.weights, lessons.negatives
    work = new_work(len(tables.output), len(tables.fading), negatives.shape[1])
    for b in range(len(users)):
        for r in range(replayed.shape[1]):
            user, item = users[b], np.int64(replayed[b, r])
            if item >= 0:
                _look(tables, work, user, item)
                n = _gather(tables.items, manner.n_moved, work, item, negatives[b])
                _loss, size = gradient_of(manner.loss, work.pulls[:n])
                steepness = manner.user * _aim(tables.items, tables.output, work, n)
                weight = weights[b] * lessons.replay_weight
                scale = _length(weight, steepness * size, manner.margin_step)
                move_user(tables.users, manner, work.grad_user, user, scale, scale * size)


@compiled
def _length(weight: Number, growth: Number, margin_step: float) -> Number:
    """Return a step's length, which was to be `weight`.

    `growth` is the margin's at that length, per unit, if its gradient stayed. A step that is short beside
    `margin_step` is left as it is, one far beyond it is shortened to it.
    """
    return weight / (1.0 + weight * growth / margin_step)


@compiled
def _look(tables: Tables, work: Work, user: Row, item: Row) -> Number:
    """Set the user's vector, without the event's item in its past; return the sum of the parts' squares.

    An item that is chosen again would else explain itself, and only grow (FISM leaves it out as well).
    """
    users, items, latest, fading, output = (
        tables.users,
        tables.items,
        tables.latest,
        tables.fading,
        tables.output,
    )
    inner, vector, parts = work.inner, work.vector, work.parts
    whole = np.float32(0.0)
    for c in range(len(parts)):
        is_there = latest[user, c] >= 0 and latest[user, c] != item
        parts[c] = fading[c] if is_there else np.float32(0.0)
        whole += parts[c]
    for k in range(len(inner)):
        inner[k] = users[user, k]
    squares = np.float32(0.0)
    for c in range(len(parts)):
        if parts[c] > 0:
            part, row = parts[c] * np.float32(tables.context_weight) / whole, np.int64(latest[user, c])
            parts[c] = part
            squares += part * part
            for k in range(len(inner)):
                inner[k] += part * items[row, k]
    for k in range(len(inner)):
        vector[k] = inner[k] * output[k]
    return squares


@compiled
def _gather(items: Floats, n_moved: int, work: Work, item: Row, negatives: NDArray[np.int32]) -> int:
    """Set rows and logits of the item and of the negatives that count; return their number."""
    rows, logits, stands_for, vector = work.rows, work.pulls, work.stands_for, work.vector
    all_negatives = np.float32(len(negatives) / max(1, min(n_moved, len(negatives))))
    bias = len(vector)
    rows[0], stands_for[0], n = item, np.float32(1.0), 1
    for c in range(len(negatives)):
        if negatives[c] >= 0:
            rows[n] = negatives[c]
            stands_for[n] = all_negatives if c < n_moved else np.float32(0.0)
            n += 1
    for c in range(n):
        row = rows[c]
        logit = items[row, bias]
        for k in range(bias):
            logit += items[row, k] * vector[k]
        logits[c] = logit
    return n


@compiled
def _aim(items: Floats, output: Floats, work: Work, n: int) -> Number:
    """Set the margin's derivative by p_u; return the sum of its squares."""
    grad_user, rows, pulls = work.grad_user, work.rows, work.pulls
    grad_user[:] = 0
    for c in range(n):
        row, pull = rows[c], pulls[c]
        for k in range(len(grad_user)):
            grad_user[k] += pull * items[row, k]
    squares = np.float32(0.0)
    for k in range(len(grad_user)):
        grad_user[k] *= output[k]
        squares += grad_user[k] * grad_user[k]
    return squares


@compiled
def _steepness_of_items(learned: Floats, manner: Manner, work: Work, n: int) -> Number:
    """Return how much the margin grows through its items, per unit of a step."""
    vector, rows, pulls, stands_for = work.vector, work.rows, work.pulls, work.stands_for
    vector2 = np.float32(0.0)
    for k in range(len(vector)):
        vector2 += vector[k] * vector[k]
    total = 0.0
    for c in range(n):
        if stands_for[c] > 0:
            of_row, of_bias = rates_of(learned[rows[c], 0], manner)
            total += stands_for[c] * pulls[c] * pulls[c] * (of_row * vector2 + of_bias)
    return total
