"""Learning, in step 4 of the stream loop: events change the state, and what must be published is noted."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.learning.counting import Moment, count
from streamrec.learning.effective import effective_events
from streamrec.learning.item_starts import rows_with_starts
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState


class Absorbed(NamedTuple):
    """Changes that must be published.

    Attributes
    ----------
    user_rows
        (U,) distinct rows whose state changed. Rows whose vectors did are marked in the state's dirty rows.
    seen
        (user_id, item_id, Unix seconds) of events of non-zero weight.
    loss
        Mean loss of the step, NaN when nothing was learned.
    covisitation_s
        Seconds of it that counting what was chosen with what took.
    """

    user_rows: NDArray[np.int64]
    seen: list[tuple[str, str, float]]
    loss: float
    covisitation_s: float


def absorb(state: TrainerState, events: Sequence[Interaction], rules: LearningRules, now: float) -> Absorbed:
    """Count, learn and remember a micro-batch of B events.

    In this order: users and items get rows; the parts of the state count what happened (`count`); the model
    learns. What is counted is therefore as of before the events were learned.

    Parameters
    ----------
    now
        Unix seconds, from when on changed vectors count as waiting to be published.
    """
    of_types = rules.weights_of(events)
    weights = without_deleted(of_types, events, state.deleted_items)
    counters = state.counters
    counters.n_events += len(events)
    counters.n_recorded += int((of_types == 0).sum())
    counters.n_ignored += int((weights != of_types).sum())
    acting = effective_events(
        events,
        weights,
        partial(state.user_ids.rows_of, add=True),
        lambda item_ids: rows_with_starts(state, item_ids, rules.contents),
    )
    if not len(acting.user_rows):
        return Absorbed(np.zeros(0, np.int64), [], float("nan"), 0.0)
    # A user of dislikes alone has a vector too: one that says nothing yet.
    state.learner.model.grow_to(state.user_ids.n_rows, state.item_ids.n_rows)
    counted = count(state, acting, rules, state.learner.histories_before, Moment(counters.n_events, now))
    choices = counted.choices
    counters.n_learned += len(choices.user_rows)
    counters.n_disliked += len(acting.user_rows) - len(choices.user_rows)
    loss = float("nan")
    if len(choices.user_rows):
        outcome = state.learner.learn(
            choices.user_rows, choices.item_rows, choices.weights, choices.timestamps
        )
        state.dirty_items.mark(outcome.touched_item_rows, now)
        state.dirty_users.mark(choices.user_rows, now)
        rules.contents.follow(state.item_ids.ids_at(choices.item_rows.tolist()))
        loss = outcome.loss
    seen = [
        (event.user_id, event.item_id, event.timestamp)
        for event, weight in zip(events, weights.tolist(), strict=True)
        if weight
    ]
    return Absorbed(np.unique(acting.user_rows), seen, loss, counted.covisitation_s)


def without_deleted(
    weights: NDArray[np.float64], events: Sequence[Interaction], deleted: Collection[str]
) -> NDArray[np.float64]:
    """Return (B,) the events' weights, zero where an event is about an item that was deleted."""
    if not deleted:
        return weights
    return np.where([event.item_id in deleted for event in events], 0.0, weights)
