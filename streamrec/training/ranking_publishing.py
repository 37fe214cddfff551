"""Which rankings go out to the hot cache, and which are taken out of it."""

from collections.abc import Mapping

from streamrec.training.categories import ItemCategories
from streamrec.training.publisher import Publisher, Status
from streamrec.training.trainer_state import TrainerState
from streamrec.training.views import ranking_names, rankings

_ALL_NAMES_EVERY_S = 300.0
"""A cache may lose, or be given back from a backup, what it holds without a word."""


class RankingPublishing:
    """Makes the statuses that the trainer publishes.

    A category without items is published as empty, which removes its rankings. What others left behind (an
    earlier generation, a trainer that crashed in between, a publication that failed) is removed by naming all
    rankings there are: at the start, after every failure of the cache, and every few minutes.
    """

    def __init__(self, state: TrainerState, categories: ItemCategories, publisher: Publisher) -> None:
        self._state = state
        self._categories = categories
        self._publisher = publisher
        self._names_due = float("-inf")
        self._n_failures = publisher.n_cache_failures

    def status(self, counters: Mapping[str, float], now: float) -> Status:
        """Return what the hot cache shows from now on (Unix seconds)."""
        n_failures = self._publisher.n_cache_failures
        names = None
        if now >= self._names_due or n_failures != self._n_failures:
            names = ranking_names(self._state, self._categories.names)
            self._names_due, self._n_failures = now + _ALL_NAMES_EVERY_S, n_failures
        ranked = rankings(self._state, self._categories.in_turn())
        return Status(ranked, counters, self._state.blend.published(), names)
