"""The rows that one event moves, compiled."""

import numpy as np
from numpy.typing import NDArray

from models.step_memory import Floats, Manner, Number, Row, Tables, Touched, Work
from streamrec.domain.rows.compiled import compiled

_FARTHEST = 1e4
"""Times its bound: no step from within, within the limits of rates and weights, takes a row so far."""


@compiled
def rates_of(learned: Number, manner: Manner) -> tuple[Number, Number]:
    """Return the rates of an item's row and bias, of which so much was learned."""
    newness = 1.0 / (1.0 + learned / manner.boost_events)
    return manner.item * (1.0 + manner.item_boost * newness), manner.bias * (
        1.0 + manner.bias_boost * newness
    )


@compiled
def move_user(
    users: Floats, manner: Manner, grad_user: Floats, user: Row, scale: Number, strength: Number
) -> int:
    """Move p_u by a step of length `scale` and strength `strength`; return 1 when it was damaged."""
    # Dividing, instead of subtracting a share of the row, is stable for a step of any length.
    shrink = np.float32(1.0 / (1.0 + manner.decay * manner.user * scale))
    step = np.float32(manner.user * strength)
    squares = np.float32(0.0)
    for k in range(len(grad_user)):
        moved = (users[user, k] + step * grad_user[k]) * shrink
        users[user, k] = moved
        squares += moved * moved
    return _pull_back(users, user, len(grad_user), squares, manner.most_user)


@compiled
def move_past(tables: Tables, manner: Manner, work: Work, user: Row, strength: Number) -> int:
    """Move the rows of the user's last items for their part in p_u; their biases took no part."""
    items, grad_user, parts, n_damaged = tables.items, work.grad_user, work.parts, 0
    for c in range(len(parts)):
        if parts[c] > 0:
            row, step = np.int64(tables.latest[user, c]), np.float32(manner.context * strength * parts[c])
            squares = np.float32(0.0)
            for k in range(len(grad_user)):
                moved = items[row, k] + step * grad_user[k]
                items[row, k] = moved
                squares += moved * moved
            n_damaged += _pull_back(items, row, len(grad_user), squares, manner.most_item)
    return n_damaged


@compiled
def move_items(tables: Tables, manner: Manner, work: Work, n: int, strength: Number) -> int:
    """Move the [q_i, b_i] of the event's item and of its negatives; return how many were damaged."""
    items, learned, vector = tables.items, tables.learned, work.vector
    rows, pulls, stands_for = work.rows, work.pulls, work.stands_for
    bias, most_bias, n_damaged = len(vector), manner.most_bias, 0
    for c in range(n):
        if stands_for[c] > 0:
            row, pull = rows[c], strength * pulls[c] * stands_for[c]
            of_row, of_bias = rates_of(learned[row, 0], manner)
            step, shrink = (
                np.float32(of_row * pull),
                np.float32(1.0 / (1.0 + manner.decay * of_row * abs(pull))),
            )
            squares = np.float32(0.0)
            for k in range(bias):
                moved = (items[row, k] + step * vector[k]) * shrink
                items[row, k] = moved
                squares += moved * moved
            n_damaged += _pull_back(items, row, bias, squares, manner.most_item)
            moved_bias = (items[row, bias] + of_bias * pull) / (1.0 + manner.decay * of_bias * abs(pull))
            items[row, bias] = min(max(moved_bias, -most_bias), most_bias)
            learned[row, 0] += abs(pull)
            n_damaged += 0 if abs(moved_bias) <= _FARTHEST * most_bias else 1
    return n_damaged


@compiled
def move_output(output: Floats, manner: Manner, work: Work, strength: Number) -> None:
    """Move h, within its bounds."""
    inner, grad_user = work.inner, work.grad_user
    for k in range(len(output)):
        # The gradient by p_u holds h already.
        step = manner.output * strength * inner[k] * grad_user[k] / output[k]
        output[k] = min(max(output[k] + step, manner.least_output), manner.most_output)


@compiled
def _pull_back(table: Floats, row: Row, n: int, squares: Number, most: float) -> int:
    """Bring the first `n` entries of a row, whose squares are given, onto the ball of radius `most`.

    Returns
    -------
    n_damaged
        1 when the row is where no step from within its bound leads: then it was damaged before.
    """
    if squares > most * most:
        back = np.float32(most / np.sqrt(squares))
        for k in range(n):
            table[row, k] *= back
    return 0 if squares <= (_FARTHEST * most) ** 2 else 1


@compiled
def note(touched: Touched, latest: NDArray[np.int32], work: Work, user: Row, n: int) -> None:
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
