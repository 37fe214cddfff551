"""Recommendations, popular and similar items."""

import falcon.asgi
import msgspec
from msgspec import UNSET

from recommender_server.request import JSON, checked_id, id_in_path, query_of
from recommender_server.schemas import PopularQuery, RecommendationsQuery, SimilarItems, SimilarQuery
from streamrec.domain.recommendation import RecommendationRequest
from streamrec.errors import Unavailable, UnknownId
from streamrec.serving.catalog import Catalog
from streamrec.serving.recommender import Recommender

_encode = msgspec.json.Encoder().encode


class Recommendations:
    """`GET /v1/recommendations`."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with `k` items for a user, an item, or anybody."""
        query = query_of(req, RecommendationsQuery, lists=("category",))
        request = RecommendationRequest(
            query.k,
            None if query.user_id is UNSET else checked_id(query.user_id),
            None if query.item_id is UNSET else checked_id(query.item_id),
            query.exclude_seen,
            frozenset(query.category),
        )
        resp.data = _encode(await self._recommender.recommend(request))
        resp.content_type = JSON


class Popular:
    """`GET /v1/popular`."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with what everybody chooses."""
        query = query_of(req, PopularQuery, lists=("category",))
        request = RecommendationRequest(query.k, categories=frozenset(query.category))
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
