"""Learning, in step 4 of the stream loop: events change the state, and what must be published is noted."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.ranking.prequential import Events
from streamrec.learning.counting import count_choices, count_labels
from streamrec.learning.item_starts import NeighboursOf, rows_with_starts
from streamrec.learning.state.categories import NO_LABELS, Labels
from streamrec.learning.state.trainer_state import TrainerState

VALUE_BOUNDS = (0.2, 5.0)
"""A value far from its user's mean is more often a mistake than a passion: its weight is bounded."""


LabelsOf = Callable[[str], Labels]
"""What an item counts for in its users' profiles."""


class LearningRules(NamedTuple):
    """How events are read as teaching.

    Attributes
    ----------
    weights
        By event type.
    is_value_weighted
        Whether an event's value, relative to its user's mean, scales its weight.
    neighbours_of
        Items with metadata like an item's: a new item starts among those that the model knows.
    labels_of
        Categories and tags of an item, for the profiles of users.
    """

    weights: EventWeights
    is_value_weighted: bool
    neighbours_of: NeighboursOf
    labels_of: LabelsOf = lambda _item_id: NO_LABELS


class Absorbed(NamedTuple):
    """What changed and must be published.

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

    Parameters
    ----------
    now
        Unix seconds, from when on changed vectors count as waiting to be published.
    """
    weights = np.array([rules.weights.of(event.type, event.value) for event in events])
    counters = state.counters
    counters.n_events += len(events)
    counters.n_recorded += int((weights == 0).sum())
    if state.deleted_items:
        is_deleted = np.array([event.item_id in state.deleted_items for event in events], bool)
        counters.n_ignored += int((is_deleted & (weights != 0)).sum())
        weights = np.where(is_deleted, 0.0, weights)
    acting = [(event, weight) for event, weight in zip(events, weights.tolist(), strict=True) if weight]
    if not acting:
        return Absorbed(np.zeros(0, np.int64), [], float("nan"), 0.0)
    user_rows = state.user_ids.rows_of([event.user_id for event, _ in acting], add=True)
    state.touched.users.touch(user_rows, counters.n_events)
    # A user of dislikes alone has a vector too: one that says nothing yet.
    state.learner.model.grow_to(state.user_ids.n_rows, state.item_ids.n_rows)
    state.users.count(user_rows, np.array([event.timestamp for event, _ in acting]))
    for (event, weight), row in zip(acting, user_rows.tolist(), strict=True):
        if weight < 0:
            state.users.dislike(row, event.item_id)
            counters.n_disliked += 1
    is_positive = np.array([weight > 0 for _, weight in acting])
    positives = [(event, weight) for event, weight in acting if weight > 0]
    loss, covisitation_s = float("nan"), 0.0
    if positives:
        loss, covisitation_s = _learn(state, positives, user_rows[is_positive], rules, now)
    seen = [(event.user_id, event.item_id, event.timestamp) for event, _ in acting]
    return Absorbed(np.unique(user_rows), seen, loss, covisitation_s)


def _learn(
    state: TrainerState,
    positives: Sequence[tuple[Interaction, float]],
    user_rows: NDArray[np.int64],
    rules: LearningRules,
    now: float,
) -> tuple[float, float]:
    """Return the mean loss, and the seconds that counting co-visits took."""
    item_rows = rows_with_starts(state, [event.item_id for event, _ in positives], rules.neighbours_of)
    state.touched.items.touch(item_rows, state.counters.n_events)
    weights = scaled_weights(positives, user_rows, state, rules)
    timestamps = np.array([event.timestamp for event, _ in positives])
    times = state.clock.times_of(timestamps, user_rows)
    counted = count_choices(state, Events(user_rows, item_rows, times, weights))
    started = time.perf_counter()
    # Before the learner remembers the events: histories hold what came before each of them.
    histories = state.learner.histories_before(user_rows, item_rows, state.history_length)
    state.dirty_neighbours.mark(state.covisitation.add(item_rows, histories, times, counted), now)
    # By the calendar, which no clock ahead of its time can spoil for others: nothing of it fades.
    state.dirty_neighbours.mark(state.same_day.add(user_rows, item_rows, timestamps), now)
    covisitation_s = time.perf_counter() - started
    count_labels(state, [event for event, _ in positives], user_rows, rules.labels_of)
    outcome = state.learner.learn(user_rows, item_rows, weights)
    state.dirty_items.mark(outcome.touched_item_rows, now)
    state.dirty_users.mark(user_rows, now)
    state.counters.n_learned += len(positives)
    return outcome.loss, covisitation_s


def scaled_weights(
    positives: Sequence[tuple[Interaction, float]],
    user_rows: NDArray[np.int64],
    state: TrainerState,
    rules: LearningRules,
) -> NDArray[np.float32]:
    """Return (B,) weights of positive events: their types', and their values' where the rules say so."""
    weights = np.array([weight for _, weight in positives])
    if rules.is_value_weighted:
        values = np.array([np.nan if event.value is None else event.value for event, _ in positives])
        weights = weights * state.users.relative_values(user_rows, values, VALUE_BOUNDS)
    return weights.astype(np.float32)
