"""The rows that one event moves, compiled: each by Adagrad's step for that row.

A row's step is its gradient over the root of the sum of the squares of all gradients it was given, so no
event moves it by more than its rate times the root of its length (Duchi, Hazan, Singer 2011, Adaptive
Subgradient Methods, with one sum a row instead of one an entry).
"""

import math
from typing import NamedTuple

import numpy as np

from models.products import multiply
from models.step_memory import Floats, Manner, Number, Row, Rows, Tables, Touched, Work
from streamrec.domain.rows.compiled import compiled_in_place, inlined

FIRST_SQUARE = np.float32(0.01)
"""Of rows: a first gradient of a tenth makes seven tenths of the longest step."""

FIRST_SQUARE_OF_BIAS = np.float32(0.1)

_ONE, _LEAST = np.float32(1.0), np.float32(1e-30)

_FARTHEST = 1e4
"""Times its bound: no step from within, within the limits of rates and weights, takes a row so far."""


class Moves(NamedTuple):
    """Gradients of one table's rows.

    Attributes
    ----------
    rows, shares
        (M, n) the rows that each gradient moves, and by what share of it; zero: not at all.
    grads
        (M, D).
    strengths
        (M,) factors of the decay.
    drifts
        (M,) grow by how many nats the moves may have changed a logit.
    """

    rows: Rows
    shares: Floats
    grads: Floats
    strengths: Floats
    drifts: Floats


@compiled_in_place
def move_items(tables: Tables, manner: Manner, work: Work, touched: Touched) -> int:
    """Move the [q_i, b_i] of all items that are pulled, and set the derivatives by p_u.

    An item that is there twice moves twice, by gradients of the same point.

    Returns
    -------
    n_damaged
        Rows that were damaged before.
    """
    grads, strengths, shares, n_items = work.grads, work.strengths, work.shares, len(work.items)
    multiply(work.pulls, work.rows, grads)
    multiply(work.pulls_of_items, work.vectors, work.item_grads)
    for choice in range(grads.shape[0]):
        for k in range(grads.shape[1]):
            grads[choice, k] *= tables.output[k]
    # Pulls of one position have one sign: either it was chosen, or it stands against choices.
    strengths[:] = 0
    for j in range(n_items):
        for choice in range(grads.shape[0]):
            strengths[j] += work.pulls_of_items[j, choice]
    n_damaged = _move_biases(tables.items, tables.item_squares, work.items, strengths, work.drifts, manner)
    for j in range(n_items):
        strengths[j] = abs(strengths[j])
        shares[j] = _ONE if strengths[j] > 0 else np.float32(0.0)
    moves = Moves(
        work.items.reshape(n_items, 1), shares.reshape(n_items, 1), work.item_grads, strengths, work.drifts
    )
    parameters = (manner.item, manner.decay, manner.prior, manner.most_item)
    n_damaged += _move_rows(tables.items, tables.item_squares, moves, parameters)
    _note_drifts(touched, work, manner.least_drift)
    return n_damaged


@compiled_in_place
def _note_drifts(touched: Touched, work: Work, least: float) -> None:
    """Note the items whose moves may have changed a logit by `least` nats since they were noted last."""
    for j in range(len(work.items)):
        if work.strengths[j] > 0:
            row = work.items[j]
            touched.drift[row] += work.drifts[j]
            if touched.drift[row] >= least:
                note(touched, row)


@compiled_in_place
def _move_biases(
    items: Floats, squares: Floats, rows: Rows, pulls: Floats, drifts: Floats, manner: Manner
) -> int:
    """Move the biases of (M,) items; set how many nats each moved, and return how many were damaged."""
    bias, most, n_damaged = items.shape[1] - 1, np.float32(manner.most_bias), 0
    for j in range(len(rows)):
        row, pull = rows[j], pulls[j]
        drifts[j] = np.float32(0.0)
        if pull != 0:
            squares[row, 1] += pull * pull
            step = np.float32(manner.bias) * pull / math.sqrt(FIRST_SQUARE_OF_BIAS + squares[row, 1])
            moved = items[row, bias] + step
            items[row, bias] = min(max(moved, -most), most)
            drifts[j] = abs(step)
            n_damaged += 0 if abs(moved) <= _FARTHEST * most else 1
    return n_damaged


@compiled_in_place
def move_users(tables: Tables, manner: Manner, work: Work) -> int:
    """Move the users' own rows; return how many were damaged."""
    n_choices = len(work.users)
    for choice in range(n_choices):
        work.shares[choice] = _ONE if work.pulls[choice, choice] > 0 else np.float32(0.0)
        work.strengths[choice] = _ONE
    rows, shares = work.users.reshape(n_choices, 1), work.shares[:n_choices].reshape(n_choices, 1)
    moves = Moves(rows, shares, work.grads, work.strengths, work.drifts)
    parameters = (manner.user, manner.decay, 0.0, manner.most_user)
    return _move_rows(tables.users, tables.user_squares, moves, parameters)


@compiled_in_place
def move_pasts(tables: Tables, manner: Manner, work: Work) -> int:
    """Move the rows of the pasts' items for their parts in p_u; return how many were damaged."""
    for choice in range(len(work.users)):
        work.strengths[choice] = _ONE
        if work.pulls[choice, choice] == 0:
            work.parts[choice, :] = 0
    moves = Moves(work.past, work.parts, work.grads, work.strengths, work.drifts)
    parameters = (manner.past, manner.decay, manner.prior, manner.most_item)
    return _move_rows(tables.past, tables.past_squares, moves, parameters)


@compiled_in_place
def _move_rows(
    table: Floats, squares: Floats, moves: Moves, parameters: tuple[float, float, float, float]
) -> int:
    """Move rows of a table, shrink them, and bring them onto their ball; return how many were damaged.

    Parameters
    ----------
    parameters
        Rate, decay, prior, and radius of the ball.
    """
    rows, shares, grads, strengths, drifts = moves
    rate, decay = np.float32(parameters[0]), np.float32(parameters[1])
    prior, limit, n_damaged = np.float32(parameters[2]), np.float32(parameters[3]), 0
    for j in range(grads.shape[0]):
        grad2 = np.float32(0.0)
        for k in range(grads.shape[1]):
            grad2 += grads[j, k] * grads[j, k]
        for c in range(shares.shape[1]):
            share = shares[j, c]
            if share > 0:
                row, length2 = rows[j, c], np.float32(0.0)
                square = share * share * grad2 / np.float32(grads.shape[1])
                squares[row, 0] += square
                sum_of_squares = FIRST_SQUARE + squares[row, 0]
                step = rate * share / math.sqrt(sum_of_squares)
                # Dividing, instead of subtracting a share of the row, is stable for a step of any length.
                taken = step * decay * strengths[j] + prior * square / sum_of_squares
                shrink = _ONE / (_ONE + taken)
                for k in range(grads.shape[1]):
                    moved = (table[row, k] + step * grads[j, k]) * shrink
                    table[row, k] = moved
                    length2 += moved * moved
                drifts[j] += step * grad2 / max(strengths[j], _LEAST)
                if not length2 <= limit * limit:
                    n_damaged += pull_back(table, row, grads.shape[1], length2, limit)
    return n_damaged


@compiled_in_place
def move_output(output: Floats, manner: Manner, work: Work) -> None:
    """Move h by the event's own choice, within its bounds."""
    inner, grads = work.inner, work.grads
    for k in range(len(output)):
        # The gradient by p_u holds h already.
        step = manner.output * inner[0, k] * grads[0, k] / output[k]
        output[k] = min(max(output[k] + step, manner.least_output), manner.most_output)


@compiled_in_place
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
