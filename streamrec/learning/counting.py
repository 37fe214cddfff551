"""Counting of what happened, before anything is learned from it: the one account of what an event changes."""

import time
from collections.abc import Callable
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import Choices, ObservedEvents
from streamrec.learning.effective import EffectiveEvents
from streamrec.learning.rules import VALUE_BOUNDS, LearningRules
from streamrec.learning.sampling import RecentItems, Rows
from streamrec.learning.state.trainer_state import TrainerState

HistoriesBefore = Callable[[Rows, Rows, int], Rows]
"""Gives what the users of events chose before them, as `RecentItems.before` does."""

_AT_ONCE = 1024
"""Events of a history that count as one batch, as in a stream that is behind."""


class Moment(NamedTuple):
    """Time of a batch.

    Attributes
    ----------
    number
        Of its last event, as in `ObservedEvents`.
    now
        Unix seconds, from when on neighbours that changed count as waiting to be published.
    """

    number: int
    now: float


class Counted(NamedTuple):
    """Events that the model may learn from, and the seconds that counting co-visits took."""

    choices: Choices
    covisitation_s: float


def count(
    state: TrainerState,
    acting: EffectiveEvents,
    rules: LearningRules,
    histories_before: HistoriesBefore,
    at: Moment,
) -> Counted:
    """Let every part of a state count B events.

    First come the columns that depend on what was there before, each from who keeps it: weights by value
    (`users`), stream times (`clock`), shares under the cap (`user_shares`), histories; asked for them, these
    count the events at once. Then each part observes them all, in the order of `TrainerState.parts`.
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
    histories = histories_before(users, items, state.history_length)
    histories_s = time.perf_counter() - started
    chosen_ids = compress(acting.item_ids, is_choice.tolist())
    choices = Choices(
        user_rows=users,
        item_rows=items,
        timestamps=timestamps,
        times=times,
        weights=weights.astype(np.float32),
        shares=shares,
        histories=histories,
        values=values,
        labels=[rules.labels_of(item_id) for item_id in chosen_ids],
    )
    dislikes = [
        (int(acting.user_rows[position]), acting.item_ids[position])
        for position in np.flatnonzero(~is_choice).tolist()
    ]
    events = ObservedEvents(acting.user_rows, acting.timestamps, dislikes, choices, at.number)
    took_s = state.observe(events, at.now)
    return Counted(choices, histories_s + took_s["covisitation"] + took_s["same_day"])


def count_history(state: TrainerState, acting: EffectiveEvents, rules: LearningRules) -> NDArray[np.float32]:
    """Count N events of the past as the stream would have; return the weights of those that were chosen."""
    recent = RecentItems(state.n_recent)
    n_events = len(acting.user_rows)
    weights = [np.zeros(0, np.float32)]
    for first in range(0, n_events, _AT_ONCE):
        batch = acting.at(slice(first, first + _AT_ONCE))
        # The stream's events begin at 1 afterwards: these come before.
        at = Moment(min(first + _AT_ONCE, n_events) - n_events, now=0.0)
        choices = count(state, batch, rules, recent.before, at).choices
        recent.add(choices.user_rows, choices.item_rows)
        weights.append(choices.weights)
    return np.concatenate(weights)
