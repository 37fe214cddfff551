"""The recommender over the trainer's own state: what it would answer now, and what its blend learns from."""

from collections.abc import Awaitable, Collection, Sequence
from typing import TypeVar

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.stream_time import StreamTime
from streamrec.domain.items.category_table import CategoryTable
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.metrics import MISS
from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.publishing.views import stream_time
from streamrec.serving.guard import Answered, Begun
from streamrec.serving.recommender import Recommender
from streamrec.serving.sources.near_categories import CategoriesAtHand
from streamrec.serving.sources.retrieval import N_PROPOSED, Retrieval
from streamrec.shadow.live_ports import LiveUsers, StateReader
from streamrec.telemetry import NullMetrics

T = TypeVar("T")


class _NoMetadata:
    """Quality is judged without hidden items, and with all categories."""

    async def read(self, item_ids: Sequence[str]) -> Answered[dict[str, Item]]:
        return Answered({})


class _BlendOfState:
    def __init__(self, state: TrainerState) -> None:
        self._state = state

    async def ranker(self) -> BlendRanker:
        return self._state.blend

    def time(self) -> StreamTime:
        return stream_time(self._state)

    def cohorts(self) -> Collection[int]:
        return frozenset(self._state.cohorts.shown())


class LiveServing:
    """Answers as the servers would if all that was learned were published now, by the same objects.

    Parameters
    ----------
    n_neighbours
        Published for an item at most.
    left_out
        Names of sources to do without: to see what each is worth.
    categories
        Of all items; nothing, where none are known.

    Attributes
    ----------
    answered_from
        Candidates that the last answer was chosen from; None before the first.
    """

    def __init__(
        self,
        state: TrainerState,
        n_neighbours: int,
        left_out: frozenset[str] = frozenset(),
        categories: CategoryTable | None = None,
    ) -> None:
        self._state = state
        self._reader = StateReader(state, n_neighbours)
        self._retrieval = Retrieval(self._reader, CategoriesAtHand(categories), left_out)
        self._recommender = Recommender(
            LiveUsers(state), self._retrieval, _NoMetadata(), _BlendOfState(state), NullMetrics()
        )
        self.answered_from: Candidates | None = None

    def recommend(self, request: RecommendationRequest, at: float | None = None) -> Recommendations:
        """Answer a request of a moment, in Unix seconds; None: of now, as far as the stream has come."""
        answer = _at_once(self._recommender.answer(request, self._time(at)))
        # Where one look was not enough, the blend learns from the first, as all answers begin.
        self.answered_from = answer.looks[0].candidates
        return answer.recommendations

    def served_rank(self, event: Interaction, k: int) -> int:
        """Return the rank of an event's item in the list of its moment; `MISS`: it is not in it."""
        answer = self.recommend(RecommendationRequest(k, event.user_id), event.timestamp)
        listed = [item.item_id for item in answer.items]
        return listed.index(event.item_id) if event.item_id in listed else MISS

    def learn(self, event: Interaction, *, is_new_only: bool) -> None:
        """Let the blend learn a choice that has not been learned by anything else yet."""
        candidates = _at_once(self._candidates(event, is_new_only=is_new_only))
        self._state.blend.learn(candidates, self._state.item_ids.row(event.item_id))

    def learn_from_answer(self, item_id: str) -> None:
        """Let the blend learn what the user chose after the last answer."""
        if self.answered_from is not None:
            self._state.blend.learn(self.answered_from, self._state.item_ids.row(item_id))

    def renew(self) -> None:
        """Rank what is popular anew, as the trainer does once a second."""
        self._reader.renew()

    async def _candidates(self, event: Interaction, *, is_new_only: bool) -> Candidates:
        request = RecommendationRequest(user_id=event.user_id, exclude_seen=is_new_only)
        context, _ = await self._recommender.context_of(request, self._time(event.timestamp))
        stage = next(self._retrieval.stages(context))
        return (await self._retrieval.look(context, stage, N_PROPOSED)).candidates

    def _time(self, at: float | None) -> StreamTime:
        time = stream_time(self._state)
        return time if at is None else time._replace(now=at)


def _at_once(work: Awaitable[T]) -> T:
    """Return what work over the state comes to, which has nobody to wait for and needs no event loop."""
    begun = Begun(work)
    if not begun.is_done:
        raise RuntimeError("something waited, where the trainer's own state is all that is read")
    return begun.value
