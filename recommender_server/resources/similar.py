"""Items like one."""

import falcon.asgi
import msgspec
from msgspec import UNSET

from recommender_server.list_schemas import SimilarQuery, like_order_of, wanted_of
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.domain.sources.table import LISTED
from streamrec.errors import Unavailable, UnknownId
from streamrec.serving.catalog import Catalog
from streamrec.serving.similar import SimilarFinder
from streamrec.web.bodies import JSON
from streamrec.web.ids import checked_ids, id_in_path
from streamrec.web.queries import query_of

_encode = msgspec.json.Encoder().encode


class Similar:
    """`GET /v1/items/{item_id}/similar`."""

    def __init__(self, finder: SimilarFinder, catalog: Catalog, like_order: LikeOrder) -> None:
        """`like_order` is that of lists for which the request names none."""
        self._finder = finder
        self._catalog = catalog
        self._like_order = like_order

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, item_id: str) -> None:
        """Answer with items like this one; none for an item that nobody has chosen with another yet.

        Raises
        ------
        UnknownId
            When the catalog has no such item, and nobody has chosen it.
        Unavailable
            When nothing is found because a part does not answer.
        """
        wanted = id_in_path(item_id)
        query = query_of(req, SimilarQuery, lists=("category", "filter", "exclude_ids", "only_ids"))
        answer = await self._finder.similar(wanted, query.by, self._request(query))
        if all(item.source == LISTED.name for item in answer.items):
            if answer.degraded:
                raise Unavailable("the parts that know what is like an item do not answer")
            if not await self._finder.knows(wanted) and not await self._catalog.has_item(wanted):
                raise UnknownId(f"there is no item {wanted!r}")
        resp.data = _encode(answer)
        resp.content_type = JSON

    def _request(self, query: SimilarQuery) -> RecommendationRequest:
        categories, conditions = wanted_of(query.category, query.filter)
        return RecommendationRequest(
            query.k,
            categories=categories,
            exclude_ids=frozenset(checked_ids("exclude_ids", query.exclude_ids)),
            only_ids=tuple(checked_ids("only_ids", query.only_ids)),
            min_score=None if query.min_score is UNSET else query.min_score,
            like_order=like_order_of(self._like_order, query.order),
            conditions=conditions,
        )
