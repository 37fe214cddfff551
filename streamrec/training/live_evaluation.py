"""Step 4 of the trainer's loop: predict a sample of events before learning them (prequential evaluation)."""

from collections.abc import Sequence

import numpy as np

from streamrec.domain.interaction import EventWeights, Interaction
from streamrec.domain.popularity import ALL_TIME
from streamrec.domain.prequential import PopularityRanker, Ranker
from streamrec.domain.ranking_metrics import MISS, SlidingComparison, rank_of
from streamrec.training.gmf_ranker import GmfRanker
from streamrec.training.trainer_state import TrainerState

_WINDOW = 1000
"""Events that the running figures are of: few enough to move within minutes, enough to be steady to .03."""

_K = 10


class LiveEvaluation:
    """Running recall, NDCG, MRR and precision of the model, beside popularity's on the same events.

    Parameters
    ----------
    rate
        Events ranked per second at most: ranking a large catalogue takes milliseconds.
    """

    def __init__(self, state: TrainerState, rate: float) -> None:
        self._state = state
        self._interval_s = 1 / rate
        self._due = 0.0
        self._comparison = SlidingComparison(_WINDOW, _K)
        self._rankers: dict[str, Ranker] = {
            "gmf": GmfRanker(state.learner),
            "popularity": PopularityRanker(state.popularity, ALL_TIME),
        }

    def sample(self, events: Sequence[Interaction], weights: EventWeights, now: float) -> None:
        """Rank the first event of a batch that can be ranked, when it is time for one."""
        if now < self._due:
            return
        for event in events:
            if weights.of(event.type) > 0 and self._rank(event):
                self._due = now + self._interval_s
                return

    def gauges(self) -> dict[str, float]:
        """Return the running figures by metric name; empty before the first ranked event."""
        return {
            f"trainer.prequential.{model}.{metric}": value
            for model, summary in self._comparison.summaries().items()
            for metric, value in summary.items()
        }

    def _rank(self, event: Interaction) -> bool:
        """Rank an event of a known user and an item that is new to the user; False for any other."""
        state = self._state
        user_row, item_row = state.user_ids.row(event.user_id), state.item_ids.row(event.item_id)
        model = state.learner.model
        if not 0 <= user_row < model.users.n_rows:
            return False
        n_items = model.items.n_rows
        is_own = state.learner.known_among(user_row, np.arange(n_items))
        if not 0 <= item_row < n_items:
            self._comparison.add(dict.fromkeys(self._rankers, MISS))
            return True
        if is_own[item_row]:
            return False
        own = np.flatnonzero(is_own)
        self._comparison.add(
            {
                name: rank_of(ranker.scores(user_row, n_items), item_row, own)
                for name, ranker in self._rankers.items()
            }
        )
        return True
