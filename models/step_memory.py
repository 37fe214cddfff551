"""Memory of the loops that learn: a model's rows, events, and room for what one event needs."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled

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
    """Parameters of a learning step.

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
    inner, vector, grad_user
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
    grad_user: Floats
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
def new_work(n_dimensions: int, n_context: int, n_negatives: int) -> Work:
    """Return memory for events of one size."""
    return Work(
        np.empty(n_dimensions, np.float32),
        vector=np.empty(n_dimensions, np.float32),
        grad_user=np.empty(n_dimensions, np.float32),
        parts=np.zeros(n_context, np.float32),
        rows=np.empty(1 + n_negatives, np.int64),
        pulls=np.empty(1 + n_negatives, np.float32),
        stands_for=np.empty(1 + n_negatives, np.float32),
    )
