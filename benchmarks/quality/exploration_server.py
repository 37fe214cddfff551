"""The trainer's state and the recommender over it, as `benchmarks.quality.exploration` measures them."""

from collections.abc import Collection

import numpy as np

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.exploration import ExplorationBy
from streamrec.domain.items.item import Item
from streamrec.domain.popularity.ranked_item import RankedItem
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.learning.absorb import absorb
from streamrec.learning.item_starts import enter_silently
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.serving.sources.exploring import N_NEW
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.shadow.live_serving import LiveServing

N_RANKED = 100
"""Candidates among which new items may fit a user."""

_RENEW_EVERY = 10
"""Events from one ranking of what is popular to the next; a trainer makes one a second."""


class Server:
    """Answers as the service does, without exploring, and learns event by event.

    Parameters
    ----------
    starts_silently
        Whether an item is in the model before its first event.
    """

    def __init__(self, *, starts_silently: bool) -> None:
        settings = TrainerSettings()
        self._state = TrainerState("exploration", LearningSettings(), settings)
        self._categories = ItemCategories(fields=settings.content_fields)
        self._serving = LiveServing(
            self._state, settings.covisitation.n_published, categories=self._categories.table
        )
        weights = EventWeights(settings.event_weights, settings.default_event_weight)
        self._rules = LearningRules(weights, settings.value_weight, self._categories.contents)
        self._starts_silently = starts_silently
        self._rng = np.random.default_rng(0)
        self._was_asked = False
        self._n_learned = 0

    def arrive(self, item: Item) -> None:
        """Take an item's metadata, as of a command."""
        self._categories.put(item)
        if self._starts_silently:
            enter_silently(self._state, item, self._categories.contents, now=0.0)

    def ranked(self, user_id: str, chosen: Collection[str], at: float) -> list[str]:
        """Return the best, best first, without what the user has chosen."""
        answer = self._serving.recommend(RecommendationRequest(N_RANKED, user_id), at)
        self._was_asked = True
        return [item.item_id for item in answer.items if item.item_id not in chosen]

    def new_items(self, by: ExplorationBy) -> list[RankedItem]:
        """Return the new items that a server would choose from, those first that should be shown most."""
        state = self._state
        if by == "chance":
            scores = state.new_items.scores(state.clock.now)
        else:
            scores = state.new_items.draws(state.clock.now, self._rng)
        order = np.argsort(-scores, kind="stable")[: min(N_NEW, np.count_nonzero(scores))]
        ids = state.item_ids.ids_at(order.tolist())
        return [RankedItem(*one) for one in zip(ids, scores[order].tolist(), strict=True)]

    def learn(self, event: Interaction) -> None:
        """Learn an event; the blend from what was answered just before it, if anything was."""
        if self._was_asked:
            self._serving.learn_from_answer(event.item_id)
            self._was_asked = False
        absorb(self._state, [event], self._rules, now=0.0)
        self._n_learned += 1
        if self._n_learned % _RENEW_EVERY == 0:
            self._serving.renew()
