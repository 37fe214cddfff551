"""The served list as a model that can be measured: the trainer's step, the recommender's answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.prequential import Events, Rows
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.evaluation.protocol import Protocol
from streamrec.learning.absorb import absorb
from streamrec.learning.initial.release import Start, train_initially
from streamrec.learning.item_starts import follow_chosen
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.state.user_cohorts import cohorts_of_user, expect_users
from streamrec.shadow.live_serving import LiveServing

_RENEW_EVERY = 10
"""Events from one ranking of what is popular to the next; a trainer makes one a second."""


class ServedModel:
    """A `ListRanker` made of the very objects that train and serve.

    It answers by the recommender over the trainer's state, blends by what was learned so far, starting from
    equal weights, and learns an event as the trainer does: first the blend, then everything else.

    Parameters
    ----------
    history
        What initial training is given.
    left_out
        Names of sources to do without.
    """

    def __init__(self, history: Events, protocol: Protocol, left_out: frozenset[str] = frozenset()) -> None:
        self._state = TrainerState("evaluation", protocol.learning, protocol.trainer)
        categories = ItemCategories(protocol.catalog, protocol.trainer.content_fields)
        self._rules = LearningRules(
            EventWeights({}), False, contents=categories.contents, labels_of=categories.labels
        )
        self._is_new_only = not protocol.with_repeats
        self._serving = LiveServing(
            self._state, protocol.trainer.covisitation.n_published, left_out, categories.table
        )
        self._users = protocol.users
        self._asked: int | None = None
        self._n_learned = 0
        if len(history.user_rows):
            start = Start(
                _interactions(history), self._rules, protocol.fit, attributes_of=self._attributes_of
            )
            train_initially(self._state, start, lambda done, total: None)
            follow_chosen(self._state, categories.contents)

    def best(self, user_row: int, k: int, at: float) -> Rows:
        """Return the rows of a user's list, best first."""
        expect_users(self._state, [str(user_row)], self._attributes_of)
        request = RecommendationRequest(k, str(user_row), exclude_seen=self._is_new_only)
        answer = self._serving.recommend(request, at)
        self._asked = user_row
        return np.array([int(item.item_id) for item in answer.items], np.int64)

    def learn(self, events: Events) -> None:
        """Learn B events, one after the other."""
        for event in _interactions(events):
            expect_users(self._state, [event.user_id], self._attributes_of)
            self._teach_blend(event)
            absorb(self._state, [event], self._rules, event.timestamp)
            self._n_learned += 1
            if self._n_learned % _RENEW_EVERY == 0:
                self._serving.renew()

    def _attributes_of(self, user_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        return {user_id: self._users[user_id] for user_id in user_ids if user_id in self._users}

    @property
    def answered_from(self) -> Candidates | None:
        """Candidates that the last list was chosen from."""
        return self._serving.answered_from

    def row_answered_from(self, item_row: int) -> int:
        """Return the row of an item among those candidates, -1 where it is none of them."""
        candidates = self._serving.answered_from
        return -1 if candidates is None else candidates.row_of(self._state.item_ids.row(str(item_row)))

    def _teach_blend(self, event: Interaction) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and str(asked) == event.user_id:
            self._serving.learn_from_answer(event.item_id)
        elif self._is_choice(event):
            self._serving.learn(event, is_new_only=self._is_new_only)

    def _is_choice(self, event: Interaction) -> bool:
        """Return whether the event says anything about a list: of a user of whom anything is known."""
        state = self._state
        user_row, item_row = state.user_ids.row(event.user_id), state.item_ids.row(event.item_id)
        if item_row < 0:
            return False
        if user_row < 0:
            return bool(cohorts_of_user(state, event.user_id))
        return not (self._is_new_only and state.learner.known_among(user_row, np.array([item_row]))[0])


def _interactions(events: Events) -> list[Interaction]:
    columns = (events.user_rows.tolist(), events.item_rows.tolist(), events.timestamps.tolist())
    return [Interaction(str(user), str(item), time) for user, item, time in zip(*columns, strict=True)]
