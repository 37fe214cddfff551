"""Recommendations, and what everybody chooses."""

import falcon.asgi
import msgspec
from msgspec import UNSET

from recommender_server.schemas import PopularQuery, RecommendationsQuery
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.serving.recommender import Recommender
from streamrec.web.bodies import JSON
from streamrec.web.ids import checked_id, checked_ids
from streamrec.web.queries import query_of

_encode = msgspec.json.Encoder().encode


class Recommendations:
    """`GET /v1/recommendations`."""

    def __init__(self, recommender: Recommender, shape: Shape, like_order: LikeOrder) -> None:
        """`shape` and `like_order` are those of lists for which the request names none."""
        self._recommender = recommender
        self._shape = shape
        self._like_order = like_order

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with `k` items for a user, an item, or anybody."""
        query = query_of(req, RecommendationsQuery, lists=("category", "exclude_ids", "only_ids"))
        resp.data = _encode(await self._recommender.recommend(self._request(query)))
        resp.content_type = JSON

    def _request(self, query: RecommendationsQuery) -> RecommendationRequest:
        diversity, max_per_category = self._shape
        return RecommendationRequest(
            query.k,
            user_id=None if query.user_id is UNSET else checked_id("user_id", query.user_id),
            item_id=None if query.item_id is UNSET else checked_id("item_id", query.item_id),
            exclude_seen=query.exclude_seen,
            categories=frozenset(query.category),
            exclude_ids=frozenset(checked_ids("exclude_ids", query.exclude_ids)),
            only_ids=tuple(checked_ids("only_ids", query.only_ids)),
            min_score=None if query.min_score is UNSET else query.min_score,
            shape=Shape(
                diversity if query.diversity is UNSET else query.diversity,
                max_per_category if query.max_per_category is UNSET else query.max_per_category,
            ),
            cursor=query.cursor or None,
            explain=query.explain,
            like_order=self._like_order
            if query.order is UNSET
            else self._like_order._replace(name=query.order),
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
