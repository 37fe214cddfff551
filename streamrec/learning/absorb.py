"""Learning, in step 4 of the stream loop: events change the state, and what must be published is noted."""

import math
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from itertools import groupby
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.descent import LearnOutcome
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.observed import Choices
from streamrec.domain.events.weights import RETRACT
from streamrec.learning.counting import observed
from streamrec.learning.effective import NOTHING_SHOWN, Shown, effective_events, shown_among
from streamrec.learning.item_starts import rows_with_starts
from streamrec.learning.learner import Learner
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.retracting import take_back
from streamrec.learning.state.sights import Pair, Sight, sights_of
from streamrec.learning.state.trainer_state import TrainerState

T = TypeVar("T")
U = TypeVar("U")

_WORTH_A_THREAD = 64
"""Events that take some milliseconds to learn; to hand them to a thread and back takes a tenth of one."""


class _Beside:
    """Thread for what can be done while the loop does something else.

    Attributes
    ----------
    took_s
        Processor seconds that were spent there.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self.took_s = 0.0

    def both(self, first: Callable[[], T], second: Callable[[], U], *, is_worth_it: bool) -> tuple[T, U]:
        """Return what two calls come to, of which the first runs in the thread where that is worth it.

        Both have ended when this one ends, however it does.
        """
        if not is_worth_it:
            found = second()
            return first(), found
        beside = self._executor.submit(self._timed, first)
        try:
            found = second()
        finally:
            wait([beside])
        return beside.result(), found

    def _timed(self, call: Callable[[], T]) -> T:
        began = time.thread_time()
        try:
            return call()
        finally:
            self.took_s += time.thread_time() - began


_learning = _Beside("learning")
"""Learns while the loop counts: compiled code, which leaves the interpreter to others."""


def processor_time() -> float:
    """Return the processor seconds of this thread, and of all learning that was done beside it."""
    return time.thread_time() + _learning.took_s


class Absorbed(NamedTuple):
    """Changes that must be published.

    Attributes
    ----------
    user_rows
        (U,) distinct rows whose state changed. Rows whose vectors did are marked in the state's dirty rows.
    seen
        (user_id, item_id, Unix seconds) of events of non-zero weight that were not taken back.
    unseen
        Pairs of user and item that are not seen any more, but for those of `seen`.
    loss
        Mean loss of the last step, NaN when nothing was learned.
    covisitation_s
        Seconds of it that counting what was chosen with what took.
    """

    user_rows: NDArray[np.int64]
    seen: list[Sight]
    unseen: list[Pair]
    loss: float
    covisitation_s: float


def absorb(state: TrainerState, events: Sequence[Interaction], rules: LearningRules, now: float) -> Absorbed:
    """Count, learn and remember a micro-batch of B events.

    What is taken back counts at its place: events before it are absorbed before, those after it afterwards.

    Parameters
    ----------
    now
        Unix seconds, from when on changed vectors count as waiting to be published.
    """
    of_types = rules.weights_of(events)
    weights = without_deleted(of_types, events, state.deleted_items)
    counters, n_done, n_retracted = state.counters, 0, 0
    user_rows, loss, covisitation_s = [np.zeros(0, np.int64)], float("nan"), 0.0
    for is_retraction, of_kind in groupby(events, lambda event: event.type == RETRACT):
        run = list(of_kind)
        if is_retraction:
            n_retracted += len(run)
            user_rows.append(take_back(state, run, rules.labels_of, now))
        else:
            learned = _learned(state, run, weights[n_done : n_done + len(run)], rules, now)
            user_rows.append(learned.user_rows)
            loss = loss if math.isnan(learned.loss) else learned.loss
            covisitation_s += learned.covisitation_s
        n_done += len(run)
    counters.n_events += len(events)
    counters.n_retracted += n_retracted
    counters.n_recorded += int((of_types == 0).sum()) - n_retracted
    counters.n_ignored += int((weights != of_types).sum())
    seen, unseen = sights_of(events, weights.tolist())
    return Absorbed(np.unique(np.concatenate(user_rows)), seen, unseen, loss, covisitation_s)


class _Learned(NamedTuple):
    """(B,) users of events that took effect, the mean loss, and the seconds that counting co-visits took."""

    user_rows: NDArray[np.int64]
    loss: float
    covisitation_s: float


def _learned(
    state: TrainerState,
    events: Sequence[Interaction],
    weights: NDArray[np.float64],
    rules: LearningRules,
    now: float,
) -> _Learned:
    """Count, learn and remember events of which none takes anything back.

    Users and items get rows first. Then the parts of the state count what happened, as of before the events
    were learned, while the model learns: it and they know nothing of one another. Of impressions the model
    alone learns, and that only where it is set to.
    """
    counters = state.counters
    acting = effective_events(
        events,
        weights,
        partial(state.user_ids.rows_of, add=True),
        lambda item_ids: rows_with_starts(state, item_ids, rules.contents),
    )
    shown = NOTHING_SHOWN
    if state.learning.n_shown_negatives:
        shown = shown_among(events, weights, state.user_ids.rows_of, state.item_ids.rows_of)
    if not len(acting.user_rows):
        _note_shown(state.learner, shown)
        return _Learned(acting.user_rows, float("nan"), 0.0)
    state.cohorts.enter(state.user_ids)
    # A user of dislikes alone has a vector too: one that says nothing yet.
    state.learner.model.grow_to(state.user_ids.n_rows, state.item_ids.n_rows)
    to_count = observed(state, acting, rules, state.learner.histories_before)
    choices = to_count.events.choices
    counters.n_learned += len(choices.user_rows)
    counters.n_disliked += len(acting.user_rows) - len(choices.user_rows)
    learned, took_s = _learning.both(
        partial(_learned_of, state.learner, choices, shown),
        partial(state.observe, to_count.events, now),
        is_worth_it=len(choices.user_rows) >= _WORTH_A_THREAD,
    )
    loss = float("nan")
    if learned is not None:
        state.dirty_items.mark(learned.touched_item_rows, now)
        state.dirty_items.mark(choices.item_rows, now, go_first=True)
        state.dirty_users.mark(choices.user_rows, now)
        rules.contents.follow(state.item_ids.ids_at(choices.item_rows.tolist()))
        loss = learned.loss
    covisitation_s = to_count.histories_s + took_s["covisitation"] + took_s["same_day"]
    return _Learned(acting.user_rows, loss, covisitation_s)


def _learned_of(learner: Learner, choices: Choices, shown: Shown) -> LearnOutcome | None:
    """Learn B choices, and what was shown between them; None where there are no choices."""
    if not len(choices.user_rows):
        _note_shown(learner, shown)
        return None
    return learner.learn(
        shown.among(choices.user_rows, shown.user_rows),
        shown.among(choices.item_rows, shown.item_rows),
        shown.among(choices.weights, np.float32(-1)),
        shown.among(choices.timestamps, 0.0),
    )


def _note_shown(learner: Learner, shown: Shown) -> None:
    """Let a learner know what was shown while nobody chose anything."""
    n = len(shown.user_rows)
    if n:
        learner.learn(shown.user_rows, shown.item_rows, np.full(n, -1, np.float32), np.zeros(n))


def without_deleted(
    weights: NDArray[np.float64], events: Sequence[Interaction], deleted: Collection[str]
) -> NDArray[np.float64]:
    """Return (B,) the events' weights, zero where an event is about an item that was deleted."""
    if not deleted:
        return weights
    return np.where([event.item_id in deleted for event in events], 0.0, weights)
