"""Answers requests for recommendations, with whatever works at the moment."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.diversity import Shape, pool_size
from streamrec.domain.ranking.recommendation import (
    BasedOn,
    RecommendationRequest,
    Recommendations,
    RecommendedItem,
)
from streamrec.ports import Metrics, UserProfile
from streamrec.serving.explainer import Explainer
from streamrec.serving.guard import Attempts
from streamrec.serving.paging import Page
from streamrec.serving.shape import OF_NOBODY, shaped
from streamrec.serving.sources.exploring import Explorer
from streamrec.serving.sources.filling import Filling, Metadata, count_shown
from streamrec.serving.sources.request_context import RequestContext
from streamrec.serving.sources.retrieval import Retrieval

UNKNOWN_USER = UserProfile(None, [])


class Profiles(Protocol):
    """Reader of what is known of users."""

    async def profile(self, user_id: str, attempts: Attempts, *, with_seen: bool) -> UserProfile:
        """Return what is known of a user, if wanted with seen items; `UNKNOWN_USER` when nothing is."""


class RankerSource(Protocol):
    """Source of the blend."""

    async def ranker(self) -> BlendRanker:
        """Return the newest ranker."""


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
        self._explainer = Explainer(retrieval)

    async def recommend(self, request: RecommendationRequest) -> Recommendations:
        """Return `k` items where so many exist; does not raise for a part that is down.

        A known user gets the blend of all sources. An unknown user who looks at a known item gets similar
        ones, in the order asked for, filled up with what is popular; anybody else gets what is popular.

        Raises
        ------
        InvalidInput
            When the request's cursor does not go on with this question.
        """
        page = Page(request)
        context = await self.context_of(request)
        is_known = "store" not in context.attempts.failed
        ranker = await self._blend.ranker()
        filling = Filling(self._retrieval, self._items, ranker, context, page)
        is_arranged = request.shape.changes_lists or (context.is_by_item and request.like_order.changes_lists)
        pool = await filling.pool(pool_size(page.k) if is_arranged else page.k)
        # A shape says which items are shown; an order, where it is asked for, says in which order.
        items = (await filling.in_order(await self._shaped(pool, request.shape, page, context)))[: page.k]
        if self._explorer is not None:
            items = await self._explorer.explored(items, filling.ranked, context, page)
        if request.explain:
            items = await self._explainer.explained(items, context, ranker)
        answer = self._answer(items, context)
        if request.user_id is not None:
            reason = _fallback_reason(answer, page.k, context) if is_known else "store_unavailable"
            self._metrics.count(f"recommender.fallback.{reason}" if reason else "recommender.personalized")
        next_cursor = page.next_cursor(items, is_degraded=answer.degraded)
        return msgspec.structs.replace(answer, next_cursor=next_cursor)

    async def context_of(self, request: RecommendationRequest) -> RequestContext:
        """Return what the sources need to know of who asks."""
        attempts = Attempts()
        profile = UNKNOWN_USER
        user_id = request.user_id
        if user_id is not None:
            profile = await self._users.profile(user_id, attempts, with_seen=request.exclude_seen)
        state = profile.document.state if profile.document is not None else None
        item_id, only = request.item_id, frozenset(request.only_ids)
        if state is None:
            recent = () if item_id is None else (item_id,)
            banned = frozenset().union(profile.seen, recent, request.exclude_ids)
            return RequestContext(
                attempts,
                vector=None,
                generation=None,
                recent=recent,
                n_events=0,
                item_id=item_id,
                banned=banned,
                is_new_only=True,
                categories=request.categories,
                only=only,
            )
        return RequestContext(
            attempts,
            vector=state.vector,
            generation=state.generation,
            recent=state.recent,
            n_events=state.n_events,
            item_id=item_id,
            banned=frozenset().union(profile.seen, state.disliked, request.exclude_ids),
            is_new_only=request.exclude_seen,
            categories=request.categories,
            only=only,
        )

    def _answer(self, items: list[RecommendedItem], context: RequestContext) -> Recommendations:
        count_shown(self._metrics, [item.source for item in items], context.attempts)
        return Recommendations(
            items, _based_on(items, context), context.served_generation, context.attempts.is_degraded
        )

    async def _shaped(
        self, pool: list[RecommendedItem], shape: Shape, page: Page, context: RequestContext
    ) -> list[RecommendedItem]:
        """Return the page's items of a pool; while the index is away, nothing is known to be similar.

        The pool stays whole where no shape is wanted.
        """
        if not shape.changes_lists:
            return pool
        item_ids = [item.item_id for item in pool]
        vectors = await self._retrieval.vectors(item_ids, context) if shape.diversity > 0 else {}
        return shaped(pool, page.k, shape, vectors)


def _fallback_reason(answer: Recommendations, k: int, context: RequestContext) -> str | None:
    """Return why the user's own vector had no part in the answer, or items are missing; else None."""
    if context.vector is None:
        return "stranger"
    if "index" in context.attempts.failed:
        return "index_unavailable"
    if context.served_generation is None:
        return "generation_not_served"
    return "too_few_candidates" if len(answer.items) < k else None


def _based_on(items: Sequence[RecommendedItem], context: RequestContext) -> BasedOn:
    if not items:
        return "popular_items"
    # The user's own vector had its say in the order, even where what is popular speaks for each item most.
    if context.vector is not None and context.served_generation is not None:
        return "user_id"
    if all(item.source in OF_NOBODY for item in items):
        return "popular_items"
    return "user_id" if context.generation is not None else "item_id"
