"""Recommendations."""

import falcon.asgi
import msgspec
from msgspec import UNSET

from recommender_server.list_schemas import RecommendationsQuery, like_order_of, shape_of, wanted_of
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.serving.batch_lists.answers import BatchListRecommender
from streamrec.serving.experiments.experimenting import Asked, ExperimentingRecommender
from streamrec.serving.exposures.counting import Exposures
from streamrec.web.bodies import JSON
from streamrec.web.ids import checked_id, checked_ids
from streamrec.web.queries import query_of

_encode = msgspec.json.Encoder().encode


class Recommendations:
    """`GET /v1/recommendations`."""

    def __init__(
        self,
        recommender: ExperimentingRecommender,
        batch_lists: BatchListRecommender,
        shape: Shape,
        like_order: LikeOrder,
        exposures: Exposures,
    ) -> None:
        """`shape` and `like_order` are those of lists for which the request names none."""
        self._batch_lists = batch_lists
        self._exposures = exposures
        self._recommender = recommender
        self._shape = shape
        self._like_order = like_order

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with `k` items for a user, an item, or anybody."""
        query = query_of(req, RecommendationsQuery, lists=("category", "filter", "exclude_ids", "only_ids"))
        request = self._request(query)
        if not query.variant:
            asked = Asked(request, req.context.request_id, query.diversity is not UNSET)
            answer, segment = await self._recommender.recommend(asked)
        else:
            answer, segment = await self._batch_lists.recommend(request, query.variant), None
            answer = msgspec.structs.replace(answer, request_id=req.context.request_id)
        if request.user_id is not None or not request.only_ids:  # nobody's named items are looked up
            self._exposures.note_list(request.user_id, answer.items, segment)
        resp.data = _encode(answer)
        resp.content_type = JSON

    def _request(self, query: RecommendationsQuery) -> RecommendationRequest:
        categories, conditions = wanted_of(query.category, query.filter)
        return RecommendationRequest(
            query.k,
            user_id=None if query.user_id is UNSET else checked_id("user_id", query.user_id),
            item_id=None if query.item_id is UNSET else checked_id("item_id", query.item_id),
            exclude_seen=query.exclude_seen,
            categories=categories,
            exclude_ids=frozenset(checked_ids("exclude_ids", query.exclude_ids)),
            only_ids=tuple(checked_ids("only_ids", query.only_ids)),
            min_score=None if query.min_score is UNSET else query.min_score,
            shape=shape_of(self._shape, query.diversity, query.max_per_category),
            cursor=query.cursor or None,
            explain=query.explain,
            like_order=like_order_of(self._like_order, query.order),
            conditions=conditions,
        )
