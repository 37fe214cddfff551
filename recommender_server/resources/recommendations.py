"""Recommendations, popular and similar items."""

import falcon.asgi
import msgspec
from msgspec import UNSET

from recommender_server.request import JSON, checked_id, id_in_path, query_of
from recommender_server.schemas import PopularQuery, RecommendationsQuery, SimilarItems, SimilarQuery
from streamrec.domain.diversity import Shape
from streamrec.domain.recommendation import RecommendationRequest
from streamrec.errors import Unavailable, UnknownId
from streamrec.serving.catalog import Catalog
from streamrec.serving.recommender import Recommender

_encode = msgspec.json.Encoder().encode


class Recommendations:
    """`GET /v1/recommendations`."""

    def __init__(self, recommender: Recommender, shape: Shape) -> None:
        """`shape` is that of lists for which the request names none."""
        self._recommender = recommender
        self._shape = shape

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with `k` items for a user, an item, or anybody."""
        query = query_of(req, RecommendationsQuery, lists=("category", "exclude_ids", "only_ids"))
        resp.data = _encode(await self._recommender.recommend(self._request(query)))
        resp.content_type = JSON

    def _request(self, query: RecommendationsQuery) -> RecommendationRequest:
        diversity, max_per_category = self._shape
        return RecommendationRequest(
            query.k,
            None if query.user_id is UNSET else checked_id(query.user_id),
            None if query.item_id is UNSET else checked_id(query.item_id),
            query.exclude_seen,
            frozenset(query.category),
            frozenset(map(checked_id, query.exclude_ids)),
            tuple(dict.fromkeys(map(checked_id, query.only_ids))),
            None if query.min_score is UNSET else query.min_score,
            Shape(
                diversity if query.diversity is UNSET else query.diversity,
                max_per_category if query.max_per_category is UNSET else query.max_per_category,
            ),
            query.cursor or None,
            query.explain,
        )


class Popular:
    """`GET /v1/popular`."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with what everybody chooses."""
        query = query_of(req, PopularQuery, lists=("category",))
        categories, cursor = frozenset(query.category), query.cursor or None
        request = RecommendationRequest(query.k, categories=categories, cursor=cursor)
        resp.data = _encode(await self._recommender.recommend(request))
        resp.content_type = JSON


class Similar:
    """`GET /v1/items/{item_id}/similar`."""

    def __init__(self, recommender: Recommender, catalog: Catalog) -> None:
        self._recommender = recommender
        self._catalog = catalog

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, item_id: str) -> None:
        """Answer with items like this one; none for an item that nobody has touched yet.

        Raises
        ------
        UnknownId
            When neither the index nor the catalog has the item.
        Unavailable
            When the index does not answer: there is nothing to fall back to.
        """
        wanted = id_in_path(item_id)
        query = query_of(req, SimilarQuery)
        answer = await self._recommender.similar(wanted, query.k)
        if answer.degraded and not answer.items:
            raise Unavailable("the index does not answer")
        if answer.generation is None and not await self._catalog.has_item(wanted):
            raise UnknownId(f"there is no item {wanted!r}")
        resp.data = _encode(SimilarItems(wanted, answer.items, answer.generation))
        resp.content_type = JSON
