"""What one event changes, compiled: gradient, length of the step, and the rows that move."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.context import put_first
from models.losses import gradient_of
from streamrec.domain.compiled import compiled

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Number = float | np.floating[Any]
Row = int | np.integer[Any]


class Tables(NamedTuple):
    """A model's memory, and what does not change in it.

    Attributes
    ----------
    users, items
        (U, D) rows p_u; (I, D + 1) rows [q_i, b_i].
    learned
        (I, 1) how much was learned of each item, in events.
    output
        (D,) h.
    latest
        (U, n) the users' last items, newest first, -1 at the end.
    fading
        (n,) what each of these weighs beside the newest.
    context_weight
        Of their mean, beside the user's own row.
    """

    users: Floats
    items: Floats
    learned: Floats
    output: Floats
    latest: NDArray[np.int32]
    fading: Floats
    context_weight: float


class Manner(NamedTuple):
    """How a step is made.

    Attributes
    ----------
    user, item, bias, decay, item_boost, bias_boost, boost_events, context
        As `models.descent.Rates`.
    output
        Learning rate of h.
    loss
        One of `models.losses.LOSSES`.
    n_moved
        How many of an event's negatives move.
    margin_step
        Nats that an event's margin may move at most.
    user_norm, item_norm, bias, output
        Bounds of the rows: `models.bounds`.
    """

    user: float
    item: float
    bias: float
    decay: float
    item_boost: float
    bias_boost: float
    boost_events: float
    context: float
    output: float
    loss: int
    n_moved: int
    margin_step: float
    most_user: float
    most_item: float
    most_bias: float
    least_output: float
    most_output: float


class Work(NamedTuple):
    """Memory for one event.

    Attributes
    ----------
    inner, vector, direction
        (D,) p_u with the context; the same times h; the margin's derivative by p_u.
    parts
        (n,) of the last items in p_u.
    rows, pulls
        (1 + N,) the event's item and the negatives that count: their rows, logits, and then pulls.
    stands_for
        (1 + N,) for how many each stands when it moves; zero: it stays.
    """

    inner: Floats
    vector: Floats
    direction: Floats
    parts: Floats
    rows: Rows
    pulls: Floats
    stands_for: Floats


class Lessons(NamedTuple):
    """B events in their order.

    Attributes
    ----------
    users, items
        (B,) rows; a user or an item may occur any number of times.
    weights
        (B,) float32, positive.
    negatives
        (B, N) int32 item rows that each stands against; -1 where one was left out.
    replayed
        (B, R) past positives of the same users, which teach only the users; -1: none.
    replay_weight
        Of these, beside their event.
    """

    users: Rows
    items: Rows
    weights: Floats
    negatives: NDArray[np.int32]
    replayed: NDArray[np.int32]
    replay_weight: float = 0.0


class Touched(NamedTuple):
    """The item rows that moved: the first `n[0]` of `rows`, each once.

    `stamps` (I,) holds this call's `stamp` for those that are in it.
    """

    rows: Rows
    n: Rows
    stamps: Rows
    stamp: int


@compiled
def _new_work(n_dimensions: int, n_context: int, n_negatives: int) -> Work:
    """Return memory for events of one size."""
    return Work(
        np.empty(n_dimensions, np.float32),
        np.empty(n_dimensions, np.float32),
        np.empty(n_dimensions, np.float32),
        np.zeros(n_context, np.float32),
        np.empty(1 + n_negatives, np.int64),
        np.empty(1 + n_negatives, np.float32),
        np.empty(1 + n_negatives, np.float32),
    )


@compiled
def learn_events(tables: Tables, manner: Manner, lessons: Lessons, touched: Touched) -> Number:
    """Learn one event after the other; return the sum of their losses, each before its step."""
    users, items, weights, negatives = lessons.users, lessons.items, lessons.weights, lessons.negatives
    work = _new_work(len(tables.output), len(tables.fading), negatives.shape[1])
    total: Number = 0.0
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
        _move_user(tables.users, manner, work.direction, user, scale, scale * size)
        _move_past(tables, manner, work, user, scale * size)
        _move_items(tables, manner, work, n, scale * size)
        _note(touched, tables.latest, work, user, n)
        if manner.output > 0:
            _move_output(tables.output, manner, work, scale * size)
        put_first(tables.latest, user, item)
        total += loss
    return total


@compiled
def replay_events(tables: Tables, manner: Manner, lessons: Lessons) -> None:
    """Let users learn from past positives again, against the negatives of the event that they come with."""
    users, replayed, weights, negatives = lessons.users, lessons.replayed, lessons.weights, lessons.negatives
    work = _new_work(len(tables.output), len(tables.fading), negatives.shape[1])
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
                _move_user(tables.users, manner, work.direction, user, scale, scale * size)


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
    direction, rows, pulls = work.direction, work.rows, work.pulls
    direction[:] = 0
    for c in range(n):
        row, pull = rows[c], pulls[c]
        for k in range(len(direction)):
            direction[k] += pull * items[row, k]
    squares = np.float32(0.0)
    for k in range(len(direction)):
        direction[k] *= output[k]
        squares += direction[k] * direction[k]
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
            of_row, of_bias = _rates_of(learned[rows[c], 0], manner)
            total += stands_for[c] * pulls[c] * pulls[c] * (of_row * vector2 + of_bias)
    return total


@compiled
def _rates_of(learned: Number, manner: Manner) -> tuple[Number, Number]:
    """Return the rates of an item's row and bias, of which so much was learned."""
    newness = 1.0 / (1.0 + learned / manner.boost_events)
    return manner.item * (1.0 + manner.item_boost * newness), manner.bias * (
        1.0 + manner.bias_boost * newness
    )


@compiled
def _move_user(
    users: Floats, manner: Manner, direction: Floats, user: Row, scale: Number, strength: Number
) -> None:
    # Dividing, instead of subtracting a share of the row, is stable for a step of any length.
    shrink = np.float32(1.0 / (1.0 + manner.decay * manner.user * scale))
    step = np.float32(manner.user * strength)
    squares = np.float32(0.0)
    for k in range(len(direction)):
        moved = (users[user, k] + step * direction[k]) * shrink
        users[user, k] = moved
        squares += moved * moved
    _pull_back(users, user, len(direction), squares, manner.most_user)


@compiled
def _move_past(tables: Tables, manner: Manner, work: Work, user: Row, strength: Number) -> None:
    """Move the rows of the user's last items for their part in p_u; their biases took no part."""
    items, direction, parts = tables.items, work.direction, work.parts
    for c in range(len(parts)):
        if parts[c] > 0:
            row, step = np.int64(tables.latest[user, c]), np.float32(manner.context * strength * parts[c])
            squares = np.float32(0.0)
            for k in range(len(direction)):
                moved = items[row, k] + step * direction[k]
                items[row, k] = moved
                squares += moved * moved
            _pull_back(items, row, len(direction), squares, manner.most_item)


@compiled
def _move_items(tables: Tables, manner: Manner, work: Work, n: int, strength: Number) -> None:
    """Move the [q_i, b_i] of the event's item and of its negatives."""
    items, learned, vector = tables.items, tables.learned, work.vector
    rows, pulls, stands_for = work.rows, work.pulls, work.stands_for
    bias, most_bias = len(vector), manner.most_bias
    for c in range(n):
        if stands_for[c] > 0:
            row, pull = rows[c], strength * pulls[c] * stands_for[c]
            of_row, of_bias = _rates_of(learned[row, 0], manner)
            step, shrink = (
                np.float32(of_row * pull),
                np.float32(1.0 / (1.0 + manner.decay * of_row * abs(pull))),
            )
            squares = np.float32(0.0)
            for k in range(bias):
                moved = (items[row, k] + step * vector[k]) * shrink
                items[row, k] = moved
                squares += moved * moved
            _pull_back(items, row, bias, squares, manner.most_item)
            moved_bias = (items[row, bias] + of_bias * pull) / (1.0 + manner.decay * of_bias * abs(pull))
            items[row, bias] = min(max(moved_bias, -most_bias), most_bias)
            learned[row, 0] += abs(pull)


@compiled
def _move_output(output: Floats, manner: Manner, work: Work, strength: Number) -> None:
    inner, direction = work.inner, work.direction
    for k in range(len(output)):
        # The direction holds h already.
        step = manner.output * strength * inner[k] * direction[k] / output[k]
        output[k] = min(max(output[k] + step, manner.least_output), manner.most_output)


@compiled
def _pull_back(table: Floats, row: Row, n: int, squares: Number, most: float) -> None:
    """Bring the first `n` entries of a row, whose squares are given, onto the ball of radius `most`."""
    if squares > most * most:
        back = np.float32(most / np.sqrt(squares))
        for k in range(n):
            table[row, k] *= back


@compiled
def _note(touched: Touched, latest: NDArray[np.int32], work: Work, user: Row, n: int) -> None:
    """Note the items that moved."""
    stamps, noted, stamp, n_noted = touched.stamps, touched.rows, touched.stamp, touched.n[0]
    rows, stands_for, parts = work.rows, work.stands_for, work.parts
    for c in range(n + len(parts)):
        is_past = c >= n
        if parts[c - n] > 0 if is_past else stands_for[c] > 0:
            row = np.int64(latest[user, c - n]) if is_past else rows[c]
            if stamps[row] != stamp:
                stamps[row] = stamp
                noted[n_noted] = row
                n_noted += 1
    touched.n[0] = n_noted
