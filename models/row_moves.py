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

_ONE, _LEAST = np.float32(1.0), np.float32(1e-30)

_FARTHEST = 1e4
"""Times its bound: no step from within, within the limits of rates and weights, takes a row so far."""


@compiled
def move_candidates(tables: Tables, manner: Manner, work: Work, touched: Touched, n: int) -> int:
    """Move the [q_i, b_i] of the candidates, and set the derivatives by p_u as far as they make them.

    In one pass: each row is in the processor's nearest memory once.

    Returns
    -------
    n_damaged
        Rows that were damaged before.
    """
    items, vectors, grads, grad, pulls = tables.items, work.vectors, work.grads, work.grad, work.pulls
    grads[:n] = 0
    n_damaged = 0
    for c in range(len(work.candidates)):
        row, pull_of_bias = work.candidates[c], np.float32(0.0)
        for k in range(len(grad)):
            grad[k] = np.float32(0.0)
        is_pulled = False
        for choice in range(n):
            pull = pulls[choice, c]
            if pull != 0:
                is_pulled = True
                pull_of_bias += pull
                for k in range(len(grad)):
                    grad[k] += pull * vectors[choice, k]
                for k in range(len(grad)):
                    grads[choice, k] += pull * items[row, k]
        if is_pulled:
            n_damaged += _move_item(tables, manner, work, touched, row, pull_of_bias)
    return n_damaged


@compiled
def move_own_items(tables: Tables, manner: Manner, work: Work, touched: Touched, n: int) -> int:
    """Move the items that were chosen, and add their part to the derivatives; return the damaged ones."""
    items, vectors, grads, grad, own = tables.items, work.vectors, work.grads, work.grad, work.own
    n_damaged = 0
    for choice in range(n):
        if own[choice] != 0:
            row = work.items[choice]
            for k in range(len(grad)):
                grad[k] = own[choice] * vectors[choice, k]
                grads[choice, k] += own[choice] * items[row, k]
            n_damaged += _move_item(tables, manner, work, touched, row, own[choice])
        for k in range(len(grad)):
            grads[choice, k] *= tables.output[k]
    return n_damaged


@inlined
def _move_item(
    tables: Tables, manner: Manner, work: Work, touched: Touched, row: Row, pull: np.float32
) -> int:
    """Move one item's row by `work.grad`, and its bias; return 1 when it was damaged before."""
    items, squares, grad = tables.items, tables.item_squares, work.grad
    bias, most_bias, grad2 = len(grad), np.float32(manner.most_bias), np.float32(0.0)
    for k in range(bias):
        grad2 += grad[k] * grad[k]
    squares[row, 0] += grad2 / np.float32(bias)
    squares[row, 1] += pull * pull
    rate = np.float32(manner.item) / math.sqrt(FIRST_SQUARE + squares[row, 0])
    rate_of_bias = np.float32(manner.bias) / math.sqrt(FIRST_SQUARE_OF_BIAS + squares[row, 1])
    shrinkage = rate * np.float32(manner.decay) * abs(pull)
    n_damaged = _moved(items, row, grad, rate, shrinkage, manner.most_item)
    moved = items[row, bias] + rate_of_bias * pull
    items[row, bias] = min(max(moved, -most_bias), most_bias)
    n_damaged += 0 if abs(moved) <= _FARTHEST * manner.most_bias else 1
    # By so many nats may the move have changed the item's logit, for users like these.
    touched.drift[row] += rate * grad2 / max(abs(pull), _LEAST) + rate_of_bias * abs(pull)
    if touched.drift[row] >= manner.least_drift:
        note(touched, row)
    return n_damaged


@compiled
def move_users(tables: Tables, manner: Manner, work: Work, n: int) -> int:
    """Move the users' own rows; return how many were damaged."""
    users, squares, grads, n_damaged = tables.users, tables.user_squares, work.grads, 0
    for choice in range(n):
        if work.own[choice] != 0:
            user, grad2 = work.users[choice], _square(grads[choice])
            squares[user, 0] += grad2 / np.float32(grads.shape[1])
            rate = np.float32(manner.user) / math.sqrt(FIRST_SQUARE + squares[user, 0])
            n_damaged += _moved(
                users, user, grads[choice], rate, rate * np.float32(manner.decay), manner.most_user
            )
    return n_damaged


@compiled
def move_pasts(tables: Tables, manner: Manner, work: Work, n: int) -> int:
    """Move the rows of the pasts' items for their parts in p_u; return how many were damaged."""
    of_past, squares, past, parts, n_damaged = tables.past, tables.past_squares, work.past, work.parts, 0
    for choice in range(n):
        if work.own[choice] != 0:
            grad2 = _square(work.grads[choice]) / np.float32(work.grads.shape[1])
            for c in range(parts.shape[1]):
                part = parts[choice, c]
                if part > 0:
                    row = past[choice, c]
                    squares[row, 0] += part * part * grad2
                    rate = np.float32(manner.past) * part / math.sqrt(FIRST_SQUARE + squares[row, 0])
                    decay = rate * np.float32(manner.decay)
                    n_damaged += _moved(of_past, row, work.grads[choice], rate, decay, manner.most_item)
    return n_damaged


@compiled
def move_output(output: Floats, manner: Manner, work: Work) -> None:
    """Move h by the event's own choice, within its bounds."""
    inner, grads = work.inner, work.grads
    for k in range(len(output)):
        # The gradient by p_u holds h already.
        step = manner.output * inner[0, k] * grads[0, k] / output[k]
        output[k] = min(max(output[k] + step, manner.least_output), manner.most_output)


@inlined
def _square(vector: Floats) -> np.float32:
    total = np.float32(0.0)
    for k in range(len(vector)):
        total += vector[k] * vector[k]
    return total


@inlined
def _moved(table: Floats, row: Row, direction: Floats, step: Number, decay: Number, most: Number) -> int:
    """Move the first entries of a row, shrink them, and bring them onto the ball of radius `most`.

    Returns
    -------
    n_damaged
        1 when the row was damaged before.
    """
    # Dividing, instead of subtracting a share of the row, is stable for a step of any length.
    shrink, length, length2 = _ONE / (_ONE + np.float32(decay)), np.float32(step), np.float32(0.0)
    for k in range(len(direction)):
        moved = (table[row, k] + length * direction[k]) * shrink
        table[row, k] = moved
        length2 += moved * moved
    limit = np.float32(most)
    return 0 if length2 <= limit * limit else pull_back(table, row, len(direction), length2, limit)


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
