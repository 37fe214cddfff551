"""Items of a feed: the same for everybody who asks with the same wishes."""

from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations
from streamrec.domain.ranking.sole_scores import SoleScores
from streamrec.domain.sources.feeds import LATEST, TRENDING
from streamrec.domain.sources.request_context import RequestContext
from streamrec.ports import Metrics
from streamrec.serving.paging import Page
from streamrec.serving.sources.filling import Filling, count_shown
from streamrec.serving.sources.metadata import Metadata
from streamrec.serving.sources.retrieval import Retrieval


class FeedFinder:
    """Fills lists from the rankings of one feed, in their own order.

    Parameters
    ----------
    retrieval
        Collects what the rankings hold.
    items
        Reads metadata.
    """

    def __init__(self, retrieval: Retrieval, items: Metadata, metrics: Metrics) -> None:
        self._retrieval = retrieval
        self._items = items
        self._metrics = metrics

    async def find(self, feed: tuple[str, ...], request: RecommendationRequest) -> Recommendations:
        """Return `k` items where so many are ranked; does not raise for a part that is down.

        Parameters
        ----------
        feed
            Names of the sources, the one first that goes before the others.
        request
            How many, which, and what was shown before; its user counts for nothing.

        Raises
        ------
        InvalidInput
            When the request's cursor does not go on with this question.
        """
        page = Page(request, feed[0])
        context = RequestContext(
            banned=request.exclude_ids,
            categories=request.categories,
            only=frozenset(request.only_ids),
            conditions=request.required,
            # What does not grow is not trending, whatever is asked for.
            takes_any=feed[0] not in (TRENDING, LATEST),
            feed=feed,
        )
        filling = Filling(self._retrieval, self._items, SoleScores(), context, page)
        items = await filling.pool(page.k)
        is_degraded = bool(filling.failed)
        count_shown(self._metrics, [item.source for item in items], filling.failed)
        cursor = page.next_cursor(items, is_degraded=is_degraded)
        warnings = self._retrieval.warnings(context)
        return Recommendations(items, "popular_items", None, is_degraded, cursor, "anybody", warnings)
