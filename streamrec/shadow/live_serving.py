"""The recommender over the trainer's own state: what it would answer now, and what its blend learns from."""

import asyncio
import weakref
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from streamrec.domain.items.item import Item
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.serving.guard import Attempts, Guard
from streamrec.serving.recommender import Recommender
from streamrec.serving.sources.ranked_sources import N_PROPOSED
from streamrec.serving.sources.request_context import RequestContext
from streamrec.serving.sources.retrieval import Retrieval, Stage
from streamrec.shadow.live_ports import LiveCache, LiveIndex, LiveUsers
from streamrec.telemetry import NullMetrics

T = TypeVar("T")

_NEVER_S = 3600.0
"""Nothing here waits for anything."""


class _NoMetadata:
    """Quality is judged without hidden items, and metadata does not rank."""

    async def read(self, item_ids: Sequence[str], attempts: Attempts) -> dict[str, Item]:
        return {}


class _BlendOfState:
    def __init__(self, state: TrainerState) -> None:
        self._state = state

    async def ranker(self) -> BlendRanker:
        return self._state.blend


class _NotingRetrieval(Retrieval):
    """Remembers what it collected last: an event is learned from what it was answered from."""

    noted: Candidates[str] | None = None

    async def candidates(self, context: RequestContext, stage: Stage, n: int) -> Candidates[str]:
        found = await super().candidates(context, stage, n)
        # An answer that needs more asks again; the blend learns from the first look, as all answers begin.
        self.noted = self.noted or found
        return found


class LiveServing:
    """Answers as the servers would if all that was learned were published now, by the same objects.

    Parameters
    ----------
    n_neighbours
        Published for an item at most.
    left_out
        Names of sources to do without: to see what each is worth.
    """

    def __init__(
        self, state: TrainerState, n_neighbours: int, left_out: frozenset[str] = frozenset()
    ) -> None:
        self._state = state
        self._cache = LiveCache(state, n_neighbours)
        guard = Guard("trainer", _NEVER_S, NullMetrics())
        self._retrieval = _NotingRetrieval(self._cache, guard, LiveIndex(state), guard, left_out)
        self._recommender = Recommender(
            LiveUsers(state), self._retrieval, _NoMetadata(), _BlendOfState(state), NullMetrics()
        )
        self._loop = asyncio.new_event_loop()
        weakref.finalize(self, self._loop.close)

    def recommend(self, request: RecommendationRequest) -> Recommendations:
        """Answer a request."""
        self._retrieval.noted = None
        return self._run(self._recommender.recommend(request))

    def learn(self, user_id: str, item_id: str, *, is_new_only: bool) -> None:
        """Let the blend learn a choice that has not been learned by anything else yet."""
        candidates = self._run(self._candidates(user_id, is_new_only=is_new_only))
        self._state.blend.learn(candidates, item_id)

    def learn_from_answer(self, item_id: str) -> None:
        """Let the blend learn what the user chose after the last answer."""
        if self._retrieval.noted is not None:
            self._state.blend.learn(self._retrieval.noted, item_id)

    @property
    def answered_from(self) -> Candidates[str] | None:
        """Candidates that the last answer was chosen from."""
        return self._retrieval.noted

    def renew(self) -> None:
        """Rank what is popular anew, as the trainer does once a second."""
        self._cache.renew()

    async def _candidates(self, user_id: str, *, is_new_only: bool) -> Candidates[str]:
        context = await self._recommender.context_of(
            RecommendationRequest(user_id=user_id, exclude_seen=is_new_only)
        )
        stage = next(self._retrieval.stages(context))
        return await self._retrieval.candidates(context, stage, N_PROPOSED)

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(coroutine)
