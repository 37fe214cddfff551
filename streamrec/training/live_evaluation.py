"""Step 4 of the trainer's loop: predict a sample of events before learning them (prequential evaluation)."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from streamrec.domain.interaction import EventWeights, Interaction
from streamrec.domain.popularity import ALL_TIME
from streamrec.domain.prequential import PopularityRanker, Ranker
from streamrec.domain.ranking_metrics import MISS, SlidingComparison, rank_of
from streamrec.ports import IndexQuery
from streamrec.training.evaluation_sample import EvaluationSample
from streamrec.training.gmf_ranker import GmfRanker
from streamrec.training.live_index import LiveIndex, LookUp
from streamrec.training.trainer_state import TrainerState

_WINDOW = 1000
"""Events that the running figures are of: few enough to move within minutes, enough to be steady to .03."""

_K = 10

_MOST_EXCLUDED = 2000
"""Of a user who has more, the servers leave out so many only: the two lists could not be compared."""


class LiveEvaluation:
    """Running recall, NDCG, MRR and precision of the model, beside popularity's on the same events.

    Parameters
    ----------
    rate
        Events ranked per second at most: ranking a large catalogue takes milliseconds.
    live_index
        Asked for some of them, to see what users would really get.
    """

    def __init__(self, state: TrainerState, rate: float, live_index: LiveIndex | None = None) -> None:
        self._state = state
        self._live_index = live_index
        self._sample = EvaluationSample(rate)
        self._comparison = SlidingComparison(_WINDOW, _K)
        self._rankers: dict[str, Ranker] = {
            "gmf": GmfRanker(state.learner),
            "popularity": PopularityRanker(state.popularity, ALL_TIME),
        }

    def sample(self, events: Sequence[Interaction], weights: EventWeights, now: float) -> None:
        """Rank those events of a batch that are chosen and can be ranked."""
        for event in self._sample.chosen(events, now):
            if weights.of(event.type) > 0:
                self._rank(event, now)

    def gauges(self) -> dict[str, float]:
        """Return the running figures by metric name; empty before the first ranked event."""
        of_models = {
            f"trainer.prequential.{model}.{metric}": value
            for model, summary in self._comparison.summaries().items()
            for metric, value in summary.items()
        }
        return of_models | (self._live_index.gauges() if self._live_index is not None else {})

    def _rank(self, event: Interaction, now: float) -> None:
        """Rank an event of a known user and an item that is new to the user; pass over any other."""
        state = self._state
        user_row, item_row = state.user_ids.row(event.user_id), state.item_ids.row(event.item_id)
        model = state.learner.model
        if not 0 <= user_row < model.users.n_rows:
            return
        n_items = model.items.n_rows
        is_own = state.learner.known_among(user_row, np.arange(n_items))
        if not 0 <= item_row < n_items:
            self._comparison.add(dict.fromkeys(self._rankers, MISS))
            return
        if is_own[item_row]:
            return
        own = np.flatnonzero(is_own)
        scores = {name: ranker.scores(user_row, n_items) for name, ranker in self._rankers.items()}
        self._comparison.add({name: rank_of(of_all, item_row, own) for name, of_all in scores.items()})
        if self._live_index is not None and self._live_index.is_due(now) and len(own) <= _MOST_EXCLUDED:
            self._live_index.look_up(self._look_up(event.item_id, user_row, scores["gmf"], own), now)

    def _look_up(
        self, target: str, user_row: int, scores: NDArray[np.floating], own: NDArray[np.int64]
    ) -> LookUp:
        state = self._state
        vector = state.learner.model.user_vectors(torch.tensor([user_row]))[0].numpy().astype("<f4")
        exclude = state.item_ids.ids_at(own.tolist())
        query = IndexQuery(_K, vector=vector.tobytes(), exclude=exclude, generation=state.generation)
        costs = -scores
        costs[own] = np.inf
        n_best = min(_K, len(scores) - len(own))
        # Only which they are counts: sorting a whole catalogue would take the loop some 10 ms.
        best = np.argpartition(costs, n_best - 1)[:n_best]
        return LookUp(query, state.item_ids.ids_at(best.tolist()), target)
