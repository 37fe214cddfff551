"""Answers requests for recommendations, with whatever works at the moment."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import msgspec

from streamrec.domain.events.stream_time import StreamTime
from streamrec.domain.items.propensities import Draw
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.diversity import Shape, pool_size
from streamrec.domain.ranking.recommendation import (
    RecommendationRequest,
    Recommendations,
    RecommendedItem,
)
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.sources.reasons import based_on, fallback_reason, popular_because
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.users.cohorts import cohorts_of
from streamrec.domain.users.less import factors
from streamrec.ports import Metrics, UserProfile
from streamrec.serving.explainer import explained
from streamrec.serving.guard import Answered
from streamrec.serving.paging import Page
from streamrec.serving.shape import shaped
from streamrec.serving.sources.exploring import Explored, Explorer
from streamrec.serving.sources.filling import Filling, count_shown
from streamrec.serving.sources.metadata import Metadata
from streamrec.serving.sources.retrieval import Look, Retrieval
from streamrec.serving.users.asked_less import moved_down

UNKNOWN_USER = UserProfile(None, [])


class Profiles(Protocol):
    """Reader of what is known of users."""

    async def profile(self, user_id: str, *, with_seen: bool) -> Answered[UserProfile]:
        """Return what is known of a user, if wanted with seen items; `UNKNOWN_USER` when nothing is."""


class RankerSource(Protocol):
    """Source of the blend."""

    async def ranker(self) -> BlendRanker:
        """Return the newest ranker."""

    def time(self) -> StreamTime:
        """Return the time of the stream that it was learned from, as of now."""

    def cohorts(self) -> Collection[int]:
        """Return the tokens of cohorts that have a ranking."""


class Answer(NamedTuple):
    """Items that are shown, and how they were chosen.

    Attributes
    ----------
    looks
        For candidates, that they were chosen from.
    draw
        The part of chance.
    segment
        Of who asked, by how many events the user has; None where nobody looked.
    """

    recommendations: Recommendations
    looks: Sequence[Look]
    draw: Draw | None = None
    segment: str | None = None


class Recommender:
    """Fills answers from what all sources propose, in the order that the learned blend gives it.

    Parameters
    ----------
    users
        Asked for whoever is to get an answer.
    retrieval
        Collects what the sources propose.
    items
        Reads metadata.
    blend
        Gives the ranker of the moment.
    explorer
        Puts new items into lists; None: nothing is explored.
    """

    def __init__(
        self,
        users: Profiles,
        retrieval: Retrieval,
        items: Metadata,
        blend: RankerSource,
        metrics: Metrics,
        explorer: Explorer | None = None,
    ) -> None:
        self._users = users
        self._retrieval = retrieval
        self._items = items
        self._blend = blend
        self._metrics = metrics
        self._explorer = explorer

    async def recommend(self, request: RecommendationRequest) -> Recommendations:
        """Return `k` items where so many exist; does not raise for a part that is down.

        A known user gets the blend of all sources. An unknown user who looks at a known item gets similar
        ones, in the order asked for, filled up with what is popular; anybody else gets what is popular.

        Raises
        ------
        InvalidInput
            When the request's cursor does not go on with this question.
        """
        return (await self.answer(request)).recommendations

    async def answer(
        self, request: RecommendationRequest, time: StreamTime | None = None, shape: Shape | None = None
    ) -> Answer:
        """Return what `recommend` does, and what it was chosen from.

        Parameters
        ----------
        time
            Of the stream; None: now.
        shape
            Of the list; None: the request's. A cursor goes on whatever it is.
        """
        shape = request.shape if shape is None else shape
        page = Page(request)
        ranker = await self._blend.ranker()
        context, failed_to_know = await self.context_of(request, time or self._blend.time())
        filling = Filling(self._retrieval, self._items, ranker, context, page)
        less = factors(context.less, context.time.now)
        is_in_like_order = context.is_by_item and request.like_order.changes_lists
        is_arranged = shape.changes_lists or is_in_like_order or bool(less)
        pool = page.good(moved_down(await filling.pool(pool_size(page.k) if is_arranged else page.k), less))
        # A shape says which items are shown; an order, where it is asked for, says in which order.
        in_shape, failed_to_shape = await self._shaped(pool, shape, page, filling.generation)
        items = (await filling.in_order(in_shape))[: page.k]
        (items, draw), failed_to_explore = await self._explored(items, filling, context, page)
        if request.explain:
            looks = list(zip(filling.looks, filling.scores, strict=True))
            items = explained(items, looks, ranker, less)
        failed = failed_to_know | filling.failed | failed_to_shape | failed_to_explore
        generation = filling.generation
        count_shown(self._metrics, [item.source for item in items], failed)
        if request.user_id is not None:
            reason = fallback_reason(context, generation, failed, is_short=len(items) < page.k)
            reason = "store_unavailable" if failed_to_know else reason
            self._metrics.count(f"recommender.fallback.{reason}" if reason else "recommender.personalized")
        basis = based_on(items, context, generation)
        recommendations = Recommendations(
            items,
            basis,
            generation,
            bool(failed),
            page.next_cursor(items, is_degraded=bool(failed)),
            popular_because(basis, request, context, failed),
            self._retrieval.warnings(context),
        )
        return Answer(recommendations, filling.looks, draw, Asker(context.n_events).segment)

    async def context_of(self, request: RecommendationRequest, time: StreamTime) -> Answered[RequestContext]:
        """Return what the sources need to know of who asks."""
        if request.user_id is None:
            return Answered(context_of(request, UNKNOWN_USER, time))
        profile, failed = await self._users.profile(request.user_id, with_seen=request.exclude_seen)
        context = context_of(request, profile, time)
        if cohorts := _cohorts_of(profile, self._blend.cohorts()):
            context = msgspec.structs.replace(context, cohorts=cohorts)
        return Answered(context, failed)

    async def _explored(
        self, items: list[RecommendedItem], filling: Filling, context: RequestContext, page: Page
    ) -> Answered[Explored]:
        """Return the page's items with new ones among them, if any are wanted."""
        if self._explorer is None:
            return Answered(Explored(items))
        return await self._explorer.explored(items, filling.ranked, context, page)

    async def _shaped(
        self, pool: list[RecommendedItem], shape: Shape, page: Page, generation: str | None
    ) -> Answered[list[RecommendedItem]]:
        """Return the page's items of a pool; while the index is away, nothing is known to be similar.

        The pool stays whole where no shape is wanted.
        """
        if not shape.changes_lists:
            return Answered(pool)
        vectors = Answered[dict[str, bytes]]({})
        if shape.diversity > 0:
            vectors = await self._retrieval.vectors([item.item_id for item in pool], generation)
        return Answered(shaped(pool, page.k, shape, vectors.value), vectors.failed)


def context_of(request: RecommendationRequest, profile: UserProfile, time: StreamTime) -> RequestContext:
    """Return what the sources need to know of who asks, when this is known of the user."""
    state = profile.document.state if profile.document is not None else None
    item_id, only = request.item_id, frozenset(request.only_ids)
    if state is None:
        recent = () if item_id is None else (item_id,)
        return RequestContext(
            recent=recent,
            recent_at=[time.now] * len(recent),
            time=time,
            item_id=item_id,
            banned=frozenset().union(profile.seen, recent, request.exclude_ids),
            categories=request.categories,
            conditions=request.required,
            only=only,
            is_explained=request.explain,
        )
    return RequestContext(
        vector=state.vector_at(time),
        # Of who chose for the first time, a moment ago, there may be no vector yet, and then no generation.
        generation=state.generation or None,
        recent=state.recent,
        recent_at=state.recent_at,
        n_events=state.n_events,
        time=time,
        item_id=item_id,
        banned=frozenset().union(profile.seen, state.disliked, request.exclude_ids),
        less=state.less,
        is_new_only=request.exclude_seen,
        categories=request.categories,
        conditions=request.required,
        only=only,
        is_explained=request.explain,
    )


def _cohorts_of(profile: UserProfile, ranked: Collection[int]) -> tuple[int, ...]:
    """Return the tokens of a user's cohorts that have a ranking."""
    tokens = profile.cohorts
    if tokens is None:
        attributes = None if profile.document is None else profile.document.attributes
        tokens = tuple(cohort.token for cohort in cohorts_of(attributes)) if attributes and ranked else ()
    return tuple(token for token in tokens if token in ranked)
