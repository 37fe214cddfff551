"""A server in one process for `benchmarks.exploration`: the trainer's state, its sources and their blend."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.blend import BlendRanker
from streamrec.domain.candidates import Candidates, Proposal
from streamrec.domain.interaction import EventWeights, Interaction
from streamrec.domain.item import Item
from streamrec.settings import LearningSettings, TrainerSettings
from streamrec.training.absorb import LearningRules, absorb
from streamrec.training.categories import ItemCategories
from streamrec.training.gmf_ranker import GmfRanker
from streamrec.training.item_starts import enter_silently
from streamrec.training.trainer_state import TrainerState

N_PROPOSED = 100
"""Candidates of each source, as the service asks for."""

N_HISTORY = 20


class Server:
    """Ranks for a user, and learns event by event: the trainer's state and the blend.

    Parameters
    ----------
    starts_silently
        Whether an item is in the model before its first event.
    """

    def __init__(self, *, starts_silently: bool) -> None:
        settings = TrainerSettings()
        self._state = TrainerState("exploration", LearningSettings(), settings)
        self._categories = ItemCategories()
        weights = EventWeights(settings.event_weights, settings.default_event_weight)
        self._rules = LearningRules(weights, settings.value_weight, self._categories.neighbours)
        self._gmf = GmfRanker(self._state.learner)
        self._blend = BlendRanker(("gmf", "covisitation", *self._state.popularity.windows))
        self._starts_silently = starts_silently
        self._asked: Candidates[int] | None = None

    def arrive(self, item: Item) -> None:
        """Take an item's metadata, as of a command."""
        self._categories.put(item)
        if self._starts_silently:
            enter_silently(self._state, item, self._categories.neighbours, now=0.0)

    def ranked(self, user_id: str, chosen: Collection[str]) -> list[str]:
        """Return the candidates, best first, without what the user has chosen."""
        state = self._state
        user_row, n_items = state.user_ids.row(user_id), state.item_ids.n_rows
        own = state.item_ids.rows_of(list(chosen))
        history = state.learner.recent_items(np.array([user_row]), N_HISTORY)[0][::-1]
        proposals = {
            "gmf": _proposal(self._gmf.scores(user_row, n_items), own, is_logit=True),
            "covisitation": _proposal(state.covisitation.scores(history, n_items), own),
        }
        for window in state.popularity.windows:
            proposals[window] = _proposal(state.popularity.scores(window)[:n_items], own)
        n_events = int(state.users.n_events[user_row])
        self._asked = Candidates(self._blend.sources, proposals, n_events, is_new_only=True)
        order = np.argsort(-self._blend.scores(self._asked), kind="stable")
        return state.item_ids.ids_at(self._asked.ids[place] for place in order.tolist())

    def new_items(self) -> list[str]:
        """Return the new items, those first that should be shown most."""
        scores = self._state.new_items.scores(self._state.clock.now)
        order = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores)]
        return self._state.item_ids.ids_at(order.tolist())

    def learn(self, event: Interaction) -> None:
        """Learn an event; the blend from what was ranked just before it, if anything was."""
        if self._asked is not None:
            self._blend.learn(self._asked, self._state.item_ids.row(event.item_id))
            self._asked = None
        absorb(self._state, [event], self._rules, now=0.0)


def _proposal(
    scores: NDArray[np.floating], own: NDArray[np.int64], *, is_logit: bool = False
) -> Proposal[int]:
    """Return the best candidates of (I,) scores, without the user's own."""
    scores = np.array(scores, np.float64)
    scores[own[own < len(scores)]] = -np.inf
    if len(scores) > N_PROPOSED:
        best = np.argpartition(-scores, N_PROPOSED)[:N_PROPOSED]
    else:
        best = np.arange(len(scores))
    best = best[np.argsort(-scores[best], kind="stable")]
    is_candidate = scores[best] > (-np.inf if is_logit else 0.0)
    best = best[is_candidate]
    return Proposal(best.tolist(), scores[best].tolist(), is_logit)
