"""Rehearsal: the last events of a history are predicted and then learned, as a stream would bring them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.category_table import CategoryTable
from streamrec.domain.popularity.counts import ALL_TIME
from streamrec.domain.ranking.metrics import MISS, rank_of
from streamrec.domain.ranking.prequential import Events, PopularityRanker
from streamrec.learning.absorb import absorb
from streamrec.learning.initial.release import Start
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.state.user_cohorts import expect_users
from streamrec.shadow.evaluation_sample import number_of_event
from streamrec.shadow.live_serving import LiveServing

K = 10

_RENEW_EVERY = 10
"""Events from one ranking of what is popular to the next; a trainer makes one a second."""

OnProgress = Callable[[int, int], None]


class Answers(NamedTuple):
    """Ranks of the items of predicted events, by the events' numbers.

    Attributes
    ----------
    served
        In the list that would have been served.
    popular
        Among all items, by how often people chose them.
    learned
        The events of positive weight that were learned, by the state's rows.
    """

    served: dict[int, int]
    popular: dict[int, int]
    learned: Events


class Rehearsal:
    """Brings events to a state, one after the other, as its trainer would.

    Parameters
    ----------
    start
        How events teach, and how attributes of users are read.
    categories
        Of all items.
    n_neighbours
        Published for an item at most.
    now
        Unix seconds, from when on changed vectors count as waiting to be published.
    """

    def __init__(
        self, state: TrainerState, start: Start, categories: CategoryTable, n_neighbours: int, now: float
    ) -> None:
        self._state, self._start, self._now = state, start, now
        self._serving = LiveServing(state, n_neighbours, categories=categories)
        self._popularity = PopularityRanker(state.popularity, ALL_TIME)
        self._served: dict[int, int] = {}
        self._popular: dict[int, int] = {}
        self._learned: list[tuple[int, int, float, float]] = []

    def of(self, events: Sequence[Interaction], on_progress: OnProgress, *, skips_known: bool) -> Answers:
        """Predict events and learn them.

        Parameters
        ----------
        on_progress
            Called with the number of events done, and of all.
        skips_known
            Pass over what the state knows already, for it has learned some of the events.
        """
        self._serving.renew()
        for number, event in enumerate(events, start=1):
            if self._is_new(event, skips_known=skips_known):
                self._predict_and_learn(event)
            if number % _RENEW_EVERY == 0:
                self._serving.renew()
                on_progress(number, len(events))
        on_progress(len(events), len(events))
        columns = np.array(self._learned, np.float64).reshape(-1, 4).T
        learned = Events(
            columns[0].astype(np.int64),
            columns[1].astype(np.int64),
            columns[2],
            columns[3].astype(np.float32),
        )
        return Answers(self._served, self._popular, learned)

    def _is_new(self, event: Interaction, *, skips_known: bool) -> bool:
        if event.event_id is not None and not self._state.repeats.add(event.event_id):
            return False
        return not (skips_known and self._is_known(event))

    def _is_known(self, event: Interaction) -> bool:
        state = self._state
        user_row, item_row = state.user_ids.row(event.user_id), state.item_ids.row(event.item_id)
        if user_row < 0 or item_row < 0:
            return False
        return bool(state.learner.known_among(user_row, np.array([item_row]))[0])

    def _predict_and_learn(self, event: Interaction) -> None:
        rules, state = self._start.rules, self._state
        expect_users(state, [event.user_id], self._start.attributes_of)
        weight = rules.weights.of(event.type, event.value)
        if weight > 0:
            self._predict(event)
        absorb(state, [event], rules, self._now)
        user_row, item_row = state.user_ids.row(event.user_id), state.item_ids.row(event.item_id)
        if weight > 0 and user_row >= 0 and item_row >= 0:
            self._learned.append((user_row, item_row, event.timestamp, weight))

    def _predict(self, event: Interaction) -> None:
        """Ask for the list of a known user, where the item is new to the user; the blend learns from it."""
        state = self._state
        user_row, item_row = state.user_ids.row(event.user_id), state.item_ids.row(event.item_id)
        model = state.learner.model
        if not 0 <= user_row < model.users.n_rows or self._is_known(event):
            return
        number, n_items = number_of_event(event), model.items.n_rows
        if not 0 <= item_row < n_items:
            self._served[number] = self._popular[number] = MISS
            return
        own = np.flatnonzero(state.learner.known_among(user_row, np.arange(n_items)))
        self._popular[number] = rank_of(self._popularity.scores(user_row, n_items), item_row, own)
        self._served[number] = self._serving.served_rank(event, K)
        self._serving.learn_from_answer(event.item_id)
