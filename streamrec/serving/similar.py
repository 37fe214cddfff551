"""Items similar to one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.diversity import pool_size
from streamrec.domain.ranking.recommendation import RecommendationRequest, RecommendedItem
from streamrec.domain.similarity.answers import SimilarItem, SimilarItems
from streamrec.domain.similarity.kinds import SimilarityKind
from streamrec.ports import Metrics, Neighbours
from streamrec.serving.guard import Attempts
from streamrec.serving.paging import Page
from streamrec.serving.recommender import RankerSource
from streamrec.serving.sources.filling import Filling, Metadata, Ranker, count_shown
from streamrec.serving.sources.request_context import RequestContext
from streamrec.serving.sources.retrieval import SOURCE_OF, Retrieval


class SimilarFinder:
    """Finds items similar to one, by all sources as for an unknown user who looks at it, or by one alone.

    Parameters
    ----------
    retrieval
        Collects what the sources propose.
    items
        Reads metadata.
    blend
        Gives the ranker of the moment.
    """

    def __init__(self, retrieval: Retrieval, items: Metadata, blend: RankerSource, metrics: Metrics) -> None:
        self._retrieval = retrieval
        self._items = items
        self._blend = blend
        self._metrics = metrics

    async def similar(self, item_id: str, by: SimilarityKind, request: RecommendationRequest) -> SimilarItems:
        """Return `k` items where so many are similar to it; does not raise for a part that is down.

        Parameters
        ----------
        request
            How many, which and in what order; its user counts for nothing.
        """
        context = RequestContext(
            Attempts(),
            recent=(item_id,),
            item_id=item_id,
            banned=request.exclude_ids | {item_id},
            categories=request.categories,
            only=frozenset(request.only_ids),
            similarity=by,
        )
        ranker: Ranker = OwnScores(SOURCE_OF[by]) if by in SOURCE_OF else await self._blend.ranker()
        filling = Filling(self._retrieval, self._items, ranker, context, Page(request))
        pool = await filling.pool(pool_size(request.k) if request.like_order.changes_lists else request.k)
        shown = (await filling.in_order(pool))[: request.k]
        items = await self._with_supports(shown, context)
        count_shown(self._metrics, [item.source for item in items], context.attempts)
        return SimilarItems(item_id, by, items, context.served_generation, context.attempts.is_degraded)

    async def knows(self, item_id: str) -> bool:
        """Return whether anybody has chosen this item, as far as the parts that answer know."""
        context = RequestContext(Attempts())
        return bool(
            await self._retrieval.neighbours([item_id], context)
            or await self._retrieval.vectors([item_id], context)
        )

    async def _with_supports(
        self, items: Sequence[RecommendedItem], context: RequestContext
    ) -> list[SimilarItem]:
        supports = await self._supports(context)
        return [
            SimilarItem(
                item.item_id,
                score=item.score,
                source=item.source,
                support=supports.get(item.item_id),
                kind=item.kind,
                title=item.title,
                categories=item.categories,
                attributes=item.attributes,
            )
            for item in items
        ]

    async def _supports(self, context: RequestContext) -> dict[str, float]:
        if context.similarity == "vector" or context.item_id is None:
            return {}
        found = await self._retrieval.neighbours([context.item_id], context)
        near = found.get(context.item_id, Neighbours())
        if context.similarity == "same_day":
            return dict(zip(near.same_day_ids, near.same_day_counts, strict=True))
        return dict(zip(near.item_ids, near.supports, strict=True))


class OwnScores:
    """Ranks by one source alone, whose own scores stand where the blend has probabilities."""

    def __init__(self, source: str) -> None:
        self._source = source

    def probabilities(self, candidates: Candidates[str]) -> NDArray[np.floating]:
        """Return (N,) the source's scores."""
        proposal = candidates.proposals.get(self._source)
        return np.array([] if proposal is None else proposal.scores, np.float64)

    def main_sources(self, candidates: Candidates[str], positions: Sequence[int]) -> list[str]:
        """Return the source, (M,) times."""
        return [self._source] * len(positions)
