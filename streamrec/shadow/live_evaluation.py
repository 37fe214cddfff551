"""Evaluation, in step 4 of the stream loop: a sample of events is predicted before it is learned.

The blend learns from the same sample, from the very lists that were predicted.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.category_table import CategoryTable
from streamrec.domain.popularity.counts import ALL_TIME
from streamrec.domain.ranking.metrics import MISS, SlidingComparison, rank_of
from streamrec.domain.ranking.prequential import PopularityRanker, Ranker
from streamrec.domain.sources.table import COLUMNS
from streamrec.learning.gmf_ranker import GmfRanker
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.log_limits import warn_seldom
from streamrec.ports import ByVector
from streamrec.settings.processes import TrainerSettings
from streamrec.shadow.evaluation_sample import EvaluationSample, number_of_event
from streamrec.shadow.live_index import LiveIndex, LookUp
from streamrec.shadow.live_serving import LiveServing
from streamrec.shadow.predicted_events import PredictedEvents
from streamrec.shadow.sliding_hits import SlidingHits
from streamrec.shadow.update_watch import UpdateWatch

_WINDOW = 1000
"""Events that the running figures are of: few enough to move within minutes, enough to be steady to .03."""

_K = 10

_SERVED = "served"

_SOURCES = tuple(name for name in COLUMNS if name != "gmf")
"""Of which recall is told beside the models': the vectors' is that of the model alone, over all items."""

_BIT_OF_REPEATS = 32
"""From here on an event's number says whether the blend learns from it what is chosen again: one in four."""

_MOST_EXCLUDED = 2000
"""Of a user who has more, the servers leave out so many only: the two lists could not be compared."""


class LiveEvaluation:
    """Running recall, NDCG, MRR and precision of what is served, the model's and popularity's beside it.

    Parameters
    ----------
    settings
        Say how many events are ranked per second at most, for ranking a large catalogue takes milliseconds.
    live_index
        Asked for some of them, to see what users would really get.
    categories
        Of all items.
    predicted
        Told the rank of each event in what was served.

    Attributes
    ----------
    serving
        Answers as the servers would.
    updates
        Told how events were ranked.
    """

    def __init__(
        self,
        state: TrainerState,
        settings: TrainerSettings,
        live_index: LiveIndex | None = None,
        categories: CategoryTable | None = None,
        predicted: PredictedEvents | None = None,
    ) -> None:
        self._state = state
        self._predicted = predicted
        self._live_index = live_index
        self._sample = EvaluationSample(settings.evaluations_per_s)
        self._comparison = SlidingComparison(_WINDOW, _K)
        self._of_sources = SlidingHits(_SOURCES, _WINDOW)
        self.updates = UpdateWatch(state, _K, reverts_worse=settings.revert_worse_models)
        self._n_failed = 0
        self.serving = LiveServing(state, settings.covisitation.n_published, categories=categories)
        self._rankers: dict[str, Ranker] = {
            "gmf": GmfRanker(state.learner),
            "popularity": PopularityRanker(state.popularity, ALL_TIME),
        }

    def sample(self, events: Sequence[Interaction], weights: EventWeights, now: float) -> None:
        """Rank those events of a batch that are chosen and can be ranked.

        One whose ranking fails is counted, and passed over.
        """
        self.updates.note_events(events)
        for event in self._sample.chosen(events, now):
            if weights.of(event.type, event.value) > 0:
                try:
                    self._learn_of_newcomer(event)
                    self._rank(event, now)
                except Exception as error:  # noqa: BLE001  # figures are not worth a stop of what they are about
                    self._n_failed += 1
                    warn_seldom("evaluation_failed", exc_info=error)
        self.updates.revert_if_worse(now)
        if self._predicted is not None:
            self._predicted.save_if_due(now)

    def gauges(self) -> dict[str, float]:
        """Return the running figures by metric name; those of models once an event was ranked."""
        of_models = {
            f"prequential.{model}.{metric}": value
            for model, summary in self._comparison.summaries().items()
            for metric, value in summary.items()
        }
        shares = self._of_sources.shares()
        of_sources = {f"prequential.{name}.recall_at_{_K}": share for name, share in shares.items()}
        of_failed = {"evaluation_failures": float(self._n_failed)}
        of_index = self._live_index.gauges() if self._live_index is not None else {}
        return of_failed | of_models | of_sources | self.updates.gauges() | of_index

    def _rank(self, event: Interaction, now: float) -> None:
        """Rank an event of a known user and an item that is new to the user; pass over any other."""
        state = self._state
        user_row, item_row = state.user_ids.row(event.user_id), state.item_ids.row(event.item_id)
        model = state.learner.model
        if not 0 <= user_row < model.users.n_rows:
            return
        n_items = model.items.n_rows
        if not 0 <= item_row < n_items:
            self._note(event, dict.fromkeys((*self._rankers, _SERVED), MISS))
            self._of_sources.add(())
            return
        is_own = state.learner.known_among(user_row, np.arange(n_items))
        learns_repeats = number_of_event(event) >> _BIT_OF_REPEATS & 3 == 0
        if learns_repeats:
            self.serving.learn(event, is_new_only=False)
        if is_own[item_row]:
            return
        own = np.flatnonzero(is_own)
        scores = {
            name: ranker.scores(user_row, n_items, event.timestamp) for name, ranker in self._rankers.items()
        }
        ranks = {name: rank_of(of_all, item_row, own) for name, of_all in scores.items()}
        ranks[_SERVED] = self.serving.served_rank(event, _K)
        self._of_sources.add(self._sources_that_hit(item_row, is_own))
        if not learns_repeats:
            self.serving.learn_from_answer(event.item_id)
        self._note(event, ranks)
        self.updates.note_ranks(event, ranks["gmf"], ranks["popularity"], own)
        if self._live_index is not None and self._live_index.is_due(now) and len(own) <= _MOST_EXCLUDED:
            self._live_index.look_up(self._look_up(event.item_id, user_row, scores["gmf"], own), now)

    def _note(self, event: Interaction, ranks: dict[str, int]) -> None:
        self._comparison.add(ranks)
        if self._predicted is not None:
            self._predicted.note(event, ranks[_SERVED])

    def _learn_of_newcomer(self, event: Interaction) -> None:
        """Let the first event of somebody with attributes teach the blend what these are worth."""
        state = self._state
        if event.user_id in state.cohorts.waiting and event.user_id not in state.user_ids:
            self.serving.learn(event, is_new_only=True)

    def _sources_that_hit(self, item_row: int, is_own: NDArray[np.bool_]) -> list[str]:
        """Return the sources whose ten best items for the last answer, the user's own left out, have this."""
        found = self.serving.answered_from
        if found is None:
            return []
        best_of = {
            source: proposal.numbers[~is_own[proposal.numbers]][:_K]
            for source, proposal in found.proposals.items()
        }
        return [source for source, best in best_of.items() if item_row in best]

    def _look_up(
        self, target: str, user_row: int, scores: NDArray[np.floating], own: NDArray[np.int64]
    ) -> LookUp:
        state = self._state
        vector = state.learner.model.user_vectors(torch.tensor([user_row]))[0].numpy().astype("<f4")
        exclude = state.item_ids.ids_at(own.tolist())
        query = ByVector(vector.tobytes(), _K, exclude, state.generation)
        costs = -scores
        costs[own] = np.inf
        n_best = min(_K, len(scores) - len(own))
        # Only which they are counts: sorting a whole catalogue would take the loop some 10 ms.
        best = np.argpartition(costs, n_best - 1)[:n_best]
        return LookUp(query, state.item_ids.ids_at(best.tolist()), target)
