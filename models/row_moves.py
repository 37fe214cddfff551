"""The rows that one event moves, compiled: each by Adagrad's step for that row.

A row's step is its gradient over the root of the sum of the squares of all gradients it was given, so no
event moves it by more than its rate times the root of its length (Duchi, Hazan, Singer 2011, Adaptive
Subgradient Methods, with one sum a row instead of one an entry).
"""

import math

import numpy as np

from models.step_memory import Floats, Manner, Number, Row, Tables, Touched, Work
from streamrec.domain.rows.compiled import compiled, inlined

FIRST_SQUARE = np.float32(0.01)
"""Of rows: a first gradient of a tenth makes seven tenths of the longest step."""

FIRST_SQUARE_OF_BIAS = np.float32(0.1)

_ONE = np.float32(1.0)

_FARTHEST = 1e4
"""Times its bound: no step from within, within the limits of rates and weights, takes a row so far."""


@compiled
def move_user(
    tables: Tables, manner: Manner, grad_user: Floats, user: Row, strength: Number, grad2: Number
) -> int:
    """Move p_u against a loss whose gradient is `strength` times `grad_user`; return 1 for a damaged row."""
    users, squares = tables.users, tables.user_squares
    n = len(grad_user)
    squares[user, 0] += strength * strength * grad2 / np.float32(n)
    rate = np.float32(manner.user) / math.sqrt(FIRST_SQUARE + squares[user, 0])
    return _moved(users, user, grad_user, rate * strength, rate * manner.decay, manner.most_user)


@compiled
def move_past(tables: Tables, manner: Manner, work: Work, strength: Number, grad2: Number) -> int:
    """Move the rows of the past's items for their part in p_u; return how many were damaged."""
    of_past, squares, past, parts, n_damaged = tables.past, tables.past_squares, work.past, work.parts, 0
    n = len(work.grad_user)
    for c in range(len(parts)):
        if parts[c] > 0:
            row, part = past[c], parts[c]
            squares[row, 0] += strength * part * strength * part * grad2 / np.float32(n)
            rate = np.float32(manner.past) * part / math.sqrt(FIRST_SQUARE + squares[row, 0])
            n_damaged += _moved(
                of_past, row, work.grad_user, rate * strength, rate * manner.decay, manner.most_item
            )
    return n_damaged


@compiled
def move_items(
    tables: Tables, manner: Manner, work: Work, touched: Touched, n: int, strength: Number
) -> tuple[Number, int]:
    """Move the [q_i, b_i] of the event's item and of its negatives, and set the margin's derivative by p_u.

    In one pass: each row is in the processor's nearest memory once.

    Returns
    -------
    grad2
        Sum of the squares of that derivative, by the rows as they were.
    n_damaged
        Rows that were damaged before.
    """
    vector, grad_user, output = work.vector, work.grad_user, tables.output
    vector2, n_damaged = np.float32(0.0), 0
    for k in range(len(vector)):
        vector2 += vector[k] * vector[k]
        grad_user[k] = 0
    for c in range(n):
        drift, is_damaged = _move_item(
            tables, manner, work, (work.rows[c], work.pulls[c], np.float32(strength), vector2)
        )
        n_damaged += is_damaged
        touched.drift[work.rows[c]] += drift
        if touched.drift[work.rows[c]] >= manner.least_drift:
            note(touched, work.rows[c])
    grad2 = np.float32(0.0)
    for k in range(len(vector)):
        grad_user[k] *= output[k]
        grad2 += grad_user[k] * grad_user[k]
    return grad2, n_damaged


@inlined
def _move_item(
    tables: Tables, manner: Manner, work: Work, pulled: tuple[Row, np.float32, np.float32, np.float32]
) -> tuple[Number, int]:
    """Move one item's row and bias, and add its part to the margin's derivative.

    Parameters
    ----------
    pulled
        The row, its pull, the step's strength, and the sum of the squares of the user's vector.

    Returns
    -------
    drift
        Nats by which the move may have changed the item's logit, for a user like this one.
    n_damaged
        1 when the row was damaged before.
    """
    items, squares, vector, grad_user = tables.items, tables.item_squares, work.vector, work.grad_user
    row, part, strength, vector2 = pulled
    pull, bias, length2 = strength * part, len(vector), np.float32(0.0)
    squares[row, 0] += pull * pull * vector2 / np.float32(bias)
    squares[row, 1] += pull * pull
    rate = np.float32(manner.item) / math.sqrt(FIRST_SQUARE + squares[row, 0])
    rate_of_bias = np.float32(manner.bias) / math.sqrt(FIRST_SQUARE_OF_BIAS + squares[row, 1])
    # Dividing, instead of subtracting a share of the row, is stable for a step of any length.
    length, shrink = rate * pull, _ONE / (_ONE + rate * np.float32(manner.decay) * abs(pull))
    for k in range(bias):
        entry = items[row, k]
        grad_user[k] += part * entry
        moved = (entry + length * vector[k]) * shrink
        items[row, k] = moved
        length2 += moved * moved
    most, most_bias = np.float32(manner.most_item), np.float32(manner.most_bias)
    n_damaged = 0 if length2 <= most * most else pull_back(items, row, bias, length2, most)
    moved = items[row, bias] + rate_of_bias * pull
    items[row, bias] = min(max(moved, -most_bias), most_bias)
    n_damaged += 0 if abs(moved) <= _FARTHEST * manner.most_bias else 1
    return abs(pull) * (rate * vector2 + rate_of_bias), n_damaged


@compiled
def move_output(output: Floats, rate: float, work: Work, strength: Number, manner: Manner) -> None:
    """Move h, within its bounds."""
    inner, grad_user = work.inner, work.grad_user
    for k in range(len(output)):
        # The gradient by p_u holds h already.
        step = rate * strength * inner[k] * grad_user[k] / output[k]
        output[k] = min(max(output[k] + step, manner.least_output), manner.most_output)


@inlined
def _moved(table: Floats, row: Row, direction: Floats, step: Number, decay: Number, most: float) -> int:
    """Move the first entries of a row, shrink them, and bring them onto the ball of radius `most`.

    Returns
    -------
    n_damaged
        1 when the row was damaged before.
    """
    shrink, length, length2 = _ONE / np.float32(1.0 + decay), np.float32(step), np.float32(0.0)
    for k in range(len(direction)):
        moved = (table[row, k] + length * direction[k]) * shrink
        table[row, k] = moved
        length2 += moved * moved
    return 0 if length2 <= most * most else pull_back(table, row, len(direction), length2, most)


@compiled
def pull_back(table: Floats, row: Row, n: int, length2: Number, most: Number) -> int:
    """Bring the first `n` entries of a row onto the ball of radius `most`.

    Returns
    -------
    n_damaged
        1 when the row is where no step from within its bound leads: then it was damaged before.
    """
    if length2 > most * most:
        back = np.float32(most / math.sqrt(length2))
        for k in range(n):
            table[row, k] *= back
    return 0 if length2 <= (_FARTHEST * most) ** 2 else 1


@inlined
def note(touched: Touched, row: Row) -> None:
    """Note an item as moved."""
    touched.drift[row] = 0.0
    if touched.stamps[row] != touched.stamp:
        touched.stamps[row] = touched.stamp
        touched.rows[touched.n[0]] = row
        touched.n[0] += 1
