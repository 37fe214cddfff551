"""Memory of the loops that learn: a model's rows, events, and room for what one event needs."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.context_tables import ContextTables
from models.replay_memory import ReplayTables
from streamrec.domain.users.shown_items import ShownTables

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Number = float | np.floating[Any]
Row = int | np.integer[Any]


class Tables(NamedTuple):
    """A model's memory: rows, and beside each the squares of what its steps were given (Adagrad's sums).

    Attributes
    ----------
    users, user_squares
        (U, D) rows p_u; (U, 1).
    items, item_squares
        (I, D + 1) rows [q_i, b_i]; (I, 2) of row and bias.
    past, past_squares
        (I, D) rows that items have as somebody's past; (I, 1).
    output
        (D,) h.
    """

    users: Floats
    user_squares: Floats
    items: Floats
    item_squares: Floats
    past: Floats
    past_squares: Floats
    output: Floats


class Manner(NamedTuple):
    """Parameters of a learning step.

    Attributes
    ----------
    user, item, bias, past, decay, prior
        As `models.descent.Rates`.
    output
        Learning rate of h.
    loss
        One of `models.losses.LOSSES`.
    n_replayed
        Past events learned again with each event.
    recent_share
        Of the negatives, so many are items of the newest events.
    ahead_share
        Of the events kept for replay, so many with what their users chose soon after as well as before.
    least_drift
        Nats; a negative counts as moved once its steps may have changed a logit by so much together.
    most_user, most_item, most_bias, least_output, most_output
        Bounds of the rows: `models.bounds`.
    """

    user: float
    item: float
    bias: float
    past: float
    decay: float
    prior: float
    output: float
    loss: int
    n_replayed: int
    recent_share: float
    ahead_share: float
    least_drift: float
    most_user: float
    most_item: float
    most_bias: float
    least_output: float
    most_output: float


class Work(NamedTuple):
    """Memory for one event and the L - 1 that are replayed with it: L choices.

    Attributes
    ----------
    users, weights
        (L,) of each choice.
    past, parts
        (L, n) the items of the past, -1: none; their parts in p_u, zero where there is none.
    inner, vectors, grads
        (L, D) p_u with the past; the same times h; the margins' derivatives by p_u, times their strengths.
    items, hashes
        (L + N,) the choices' items, then those drawn to stand against all of them, -1: none; their halves of
        pairs' hashes.
    rows, biases, item_grads
        (L + N, D), (L + N,), (L + N, D) q and b of the items, and derivatives as those of the users.
    logits
        (L, L + N) of each choice's user and each item.
    pulls, pulls_of_items
        (L, L + N) and (L + N, L) how strongly each choice pulls each item: minus the derivatives by their
        logits, times the weight.
    strengths, shares, drifts
        (L + N,) each, of what moves: how much there is to learn, as a factor of the decay; by what share of
        the gradient; nats that its logits may have changed by.
    log_odds, n_shown
        (N,) what each drawn item counts, as a logarithm: the inverse of how often it is expected to be drawn;
        (1,) how many of the first were shown, and stand against the event's choice alone.
    is_kept, among
        (N,) which of the drawn items stand against one choice; (1 + N,) its logits among them, the choice's
        item first.
    powers, power_bits
        Twos to whole powers, and the same memory as integers.
    """

    users: Rows
    weights: Floats
    past: NDArray[np.int64]
    parts: Floats
    inner: Floats
    vectors: Floats
    grads: Floats
    items: Rows
    hashes: NDArray[np.uint64]
    rows: Floats
    biases: Floats
    item_grads: Floats
    logits: Floats
    pulls: Floats
    pulls_of_items: Floats
    strengths: Floats
    shares: Floats
    drifts: Floats
    log_odds: Floats
    n_shown: Rows
    is_kept: NDArray[np.bool_]
    among: Floats
    powers: Floats
    power_bits: NDArray[np.int32]


class Lessons(NamedTuple):
    """B events in their order.

    Attributes
    ----------
    users, items
        (B,) rows; a user or an item may occur any number of times.
    weights
        (B,) float32, positive; negative: the item was shown and not chosen.
    times
        (B,) Unix seconds.
    seeds
        (B,) what each event's chance comes from: its negatives and replays are the same in any batch.
    """

    users: Rows
    items: Rows
    weights: Floats
    times: NDArray[np.float64]
    seeds: Rows

    def at(self, part: slice) -> "Lessons":
        """Return some events that follow one another."""
        return Lessons(
            self.users[part], self.items[part], self.weights[part], self.times[part], self.seeds[part]
        )


class Known(NamedTuple):
    """Knowledge of what may stand as a negative.

    Attributes
    ----------
    bits, older_bits
        Pairs of users and items that were positives: `streamrec.domain.rows.pair_bits`.
    n_new_pairs
        (1,) counts pairs that were not there.
    is_alive
        (I,) which items may be drawn.
    n_items
        (1,) rows of items observed so far.
    shown
        What was shown to users since their last choices; None: it does not count.
    """

    bits: NDArray[np.uint8]
    older_bits: NDArray[np.uint8]
    n_new_pairs: Rows
    is_alive: NDArray[np.bool_]
    n_items: Rows
    shown: ShownTables | None = None


class Touched(NamedTuple):
    """The item rows that moved: the first `n[0]` of `rows`, each once.

    `stamps` (I,) holds this call's `stamp` for those that are in it, `drift` (I,) how many nats the others
    may have moved a logit since they last were.
    """

    rows: Rows
    n: Rows
    stamps: Rows
    drift: Floats
    stamp: int


class Memory(NamedTuple):
    """All that the loops read and change."""

    tables: Tables
    context: ContextTables
    replay: ReplayTables
    known: Known
    touched: Touched


def new_work(n_choices: int, n_dimensions: int, n_context: int, n_negatives: int) -> Work:
    """Return memory for events of one size."""
    n_items = n_choices + n_negatives
    powers = np.zeros(max(1 + n_negatives, n_choices * n_context), np.float32)
    return Work(
        np.zeros(n_choices, np.int64),
        np.zeros(n_choices, np.float32),
        np.zeros((n_choices, n_context), np.int64),
        np.zeros((n_choices, n_context), np.float32),
        np.zeros((n_choices, n_dimensions), np.float32),
        np.zeros((n_choices, n_dimensions), np.float32),
        np.zeros((n_choices, n_dimensions), np.float32),
        np.zeros(n_items, np.int64),
        np.zeros(n_items, np.uint64),
        np.zeros((n_items, n_dimensions), np.float32),
        np.zeros(n_items, np.float32),
        np.zeros((n_items, n_dimensions), np.float32),
        np.zeros((n_choices, n_items), np.float32),
        np.zeros((n_choices, n_items), np.float32),
        np.zeros((n_items, n_choices), np.float32),
        np.zeros(n_items, np.float32),
        np.zeros(n_items, np.float32),
        np.zeros(n_items, np.float32),
        np.zeros(n_negatives, np.float32),
        np.zeros(1, np.int64),
        np.zeros(n_negatives, np.bool_),
        np.zeros(1 + n_negatives, np.float32),
        powers,
        powers.view(np.int32),
    )
