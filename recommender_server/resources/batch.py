"""Recommendations for many users."""

from typing import ClassVar

import falcon.asgi
import msgspec
from msgspec import UNSET

from recommender_server.batch_schemas import MAX_ITEMS, BatchAnswer, BatchBody, BatchUser, UserAnswer
from recommender_server.bodies import body_of
from recommender_server.list_schemas import shape_of, wanted_of
from streamrec.domain.events.values import id_of
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.errors import InvalidEvent, InvalidInput
from streamrec.serving.batch.batch_recommender import BatchRecommender
from streamrec.serving.exposures.counting import Exposures
from streamrec.settings.key_file import Scope
from streamrec.web.bodies import JSON, BodyReader
from streamrec.web.ids import checked_ids

_decoder = msgspec.json.Decoder(BatchBody)
_encode = msgspec.json.Encoder().encode


class Batch:
    """`POST /v1/recommendations:batch`."""

    scopes: ClassVar = {"POST": Scope.READ}

    def __init__(
        self,
        recommender: BatchRecommender,
        shape: Shape,
        like_order: LikeOrder,
        max_body_bytes: int,
        exposures: Exposures,
    ) -> None:
        """`shape` and `like_order` are those of lists for which the request names none."""
        self._exposures = exposures
        self._recommender = recommender
        self._shape = shape
        self._like_order = like_order
        self._reader = BodyReader(max_body_bytes)

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with a list for each user, or with what is wrong with it.

        Raises
        ------
        InvalidInput
            When all lists together would have too many items.
        """
        body = await body_of(req, self._reader, _decoder, BatchBody.__struct_fields__)
        users = [one if isinstance(one, BatchUser) else BatchUser(one) for one in body.users]
        if sum(body.k if one.k is UNSET else one.k for one in users) > MAX_ITEMS:
            raise InvalidInput(f"all lists together have at most {MAX_ITEMS} items; ask for fewer users or k")
        common = self._common(body)
        answers: list[UserAnswer] = [UserAnswer("")] * len(users)
        asked: dict[int, RecommendationRequest] = {}
        for position, one in enumerate(users):
            try:
                asked[position] = _request(one, common)
            except (InvalidInput, InvalidEvent) as error:
                answers[position] = UserAnswer(str(one.user_id), error=str(error))
        found = await self._recommender.recommend(list(asked.values()))
        for (position, request), answer in zip(asked.items(), found, strict=True):
            answers[position] = UserAnswer(request.user_id or "", *answer)
            if answer.recommendations is not None:
                self._exposures.note_list(request.user_id, answer.recommendations.items)
        resp.data = _encode(BatchAnswer(answers))
        resp.content_type = JSON

    def _common(self, body: BatchBody) -> RecommendationRequest:
        """Return what holds for every user."""
        categories, conditions = wanted_of(body.category, body.filter)
        return RecommendationRequest(
            body.k,
            exclude_seen=body.exclude_seen,
            categories=categories,
            min_score=None if body.min_score is UNSET else body.min_score,
            shape=shape_of(self._shape, body.diversity, body.max_per_category),
            like_order=self._like_order,
            conditions=conditions,
        )


def _request(one: BatchUser, common: RecommendationRequest) -> RecommendationRequest:
    return msgspec.structs.replace(
        common,
        user_id=id_of("user_id", one.user_id),
        item_id=None if one.item_id is UNSET else id_of("item_id", one.item_id),
        k=common.k if one.k is UNSET else one.k,
        exclude_ids=frozenset(checked_ids("exclude_ids", one.exclude_ids)),
        only_ids=tuple(checked_ids("only_ids", one.only_ids)),
    )
