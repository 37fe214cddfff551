"""Counting of what happened: the one account of what an event changes, beside what the model learns of it."""

import time
from collections.abc import Callable, Collection
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import Choices, Decision, ObservedEvents
from streamrec.domain.users.context import second_of
from streamrec.domain.users.less import MOST_LABELS, Less
from streamrec.learning.effective import EffectiveEvents
from streamrec.learning.rules import VALUE_BOUNDS, LabelsOf, LearningRules
from streamrec.learning.sampling import Before, RecentItems, Rows
from streamrec.learning.state.trainer_state import TrainerState

HistoriesBefore = Callable[[Rows, Rows, int], Before]
"""Gives what the users of events chose before them, as `RecentItems.before` does."""

_AT_ONCE = 1024
"""Events of a history that count as one batch, as in a stream that is behind."""


class Observed(NamedTuple):
    """Events with all that parts want to know of them, and the seconds that looking up histories took."""

    events: ObservedEvents
    histories_s: float


def observed(
    state: TrainerState, acting: EffectiveEvents, rules: LearningRules, histories_before: HistoriesBefore
) -> Observed:
    """Return B events as each part of a state is to observe them, in the order of `TrainerState.parts`.

    Columns that depend on what was there before come from who keeps it: weights by value (`users`), stream
    times (`clock`), shares under the cap (`user_shares`), histories; asked for them, these count the events
    at once.
    """
    is_choice = acting.is_choice
    users, items = acting.user_rows[is_choice], acting.item_rows[is_choice]
    timestamps, values = acting.timestamps[is_choice], acting.values[is_choice]
    weights = acting.weights[is_choice]
    if rules.is_value_weighted:
        weights = weights * state.users.relative_values(users, values, VALUE_BOUNDS)
    times = state.clock.times_of(timestamps, users)
    shares = state.user_shares.of(users, times)
    started = time.perf_counter()
    before = histories_before(users, items, state.history_length)
    histories_s = time.perf_counter() - started
    chosen_ids = compress(acting.item_ids, is_choice.tolist())
    choices = Choices(
        user_rows=users,
        item_rows=items,
        timestamps=timestamps,
        times=times,
        weights=weights.astype(np.float32),
        shares=shares,
        histories=before.histories,
        is_again=before.is_again,
        values=values,
        labels=[rules.labels_of(item_id) for item_id in chosen_ids],
    )
    decisions = _decisions(acting, state.users.disliked.keys(), rules.labels_of)
    return Observed(ObservedEvents(acting.user_rows, acting.timestamps, decisions, choices), histories_s)


def _decisions(acting: EffectiveEvents, disliking: Collection[int], labels_of: LabelsOf) -> list[Decision]:
    """Return dislikes, and choices of users who dislike anything, before these events or in them."""
    is_choice = acting.is_choice
    disliking_here = set(acting.user_rows[~is_choice].tolist())
    if not disliking and not disliking_here:
        return []
    said = zip(acting.user_rows.tolist(), is_choice.tolist(), strict=True)
    return [
        Decision(
            row,
            acting.item_ids[position],
            not is_chosen,
            _less_at(acting, position, labels_of) if acting.asks_less[position] else None,
        )
        for position, (row, is_chosen) in enumerate(said)
        if row in disliking or row in disliking_here
    ]


def _less_at(acting: EffectiveEvents, position: int, labels_of: LabelsOf) -> Less:
    item_id, second = acting.item_ids[position], second_of(float(acting.timestamps[position]))
    labels = labels_of(item_id)
    return Less(item_id, second, labels.categories[:MOST_LABELS], labels.tags[:MOST_LABELS])


def count_history(
    state: TrainerState,
    acting: EffectiveEvents,
    rules: LearningRules,
    on_progress: Callable[[int], None] = lambda n_done: None,
) -> NDArray[np.float32]:
    """Count N events of the past as the stream would have; return the weights of those that were chosen.

    Parameters
    ----------
    on_progress
        Called with the number of events counted so far.
    """
    recent = RecentItems(state.n_recent)
    n_events = len(acting.user_rows)
    weights = [np.zeros(0, np.float32)]
    for first in range(0, n_events, _AT_ONCE):
        batch = acting.at(slice(first, first + _AT_ONCE))
        events = observed(state, batch, rules, recent.before).events
        state.observe(events, now=0.0)
        choices = events.choices
        recent.add(choices.user_rows, choices.item_rows)
        weights.append(choices.weights)
        on_progress(min(first + _AT_ONCE, n_events))
    return np.concatenate(weights)
