"""Items similar to one."""

from collections.abc import Mapping, Sequence

from streamrec.domain.ranking.diversity import pool_size
from streamrec.domain.ranking.recommendation import RecommendationRequest, RecommendedItem
from streamrec.domain.ranking.sole_scores import SoleScores
from streamrec.domain.similarity.answers import SimilarItem, SimilarItems
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.table import SIMILAR_BY, SIMILARITIES, SimilarityKind
from streamrec.ports import Metrics
from streamrec.serving.paging import Page
from streamrec.serving.recommender import RankerSource
from streamrec.serving.sources.filling import Filling, Ranker, count_shown
from streamrec.serving.sources.metadata import Metadata
from streamrec.serving.sources.retrieval import Retrieval


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
        alone = SIMILAR_BY.get(by)
        ranker: Ranker = await self._blend.ranker() if alone is None else SoleScores()
        time = self._blend.time()
        context = RequestContext(
            recent=(item_id,),
            recent_at=(time.now,),
            time=time,
            item_id=item_id,
            banned=request.exclude_ids | {item_id},
            categories=request.categories,
            only=frozenset(request.only_ids),
            similarity=by,
            conditions=request.required,
            takes_any=False,
        )
        filling = Filling(self._retrieval, self._items, ranker, context, Page(request))
        pool = await filling.pool(pool_size(request.k) if request.like_order.changes_lists else request.k)
        shown = (await filling.in_order(pool))[: request.k]
        supports_of = SIMILARITIES[by].supports
        supports = {} if supports_of is None else supports_of(filling.looks[-1].findings)
        items = _with_supports(shown, supports)
        count_shown(self._metrics, [item.source for item in items], filling.failed)
        warnings = self._retrieval.warnings(context)
        return SimilarItems(item_id, by, items, filling.generation, bool(filling.failed), warnings)

    async def knows(self, item_id: str) -> bool:
        """Return whether anybody has chosen this item, as far as the parts that answer know."""
        return await self._retrieval.knows(item_id)


def _with_supports(items: Sequence[RecommendedItem], supports: Mapping[str, float]) -> list[SimilarItem]:
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
