"""Which users are alike: cosines of what was learned of them."""

import falcon
import msgspec

from faiss_server.generations import Generation, Generations
from faiss_server.kinds import USERS
from faiss_server.requests import SimilarQuery
from streamrec.adapters.faiss.index import FaissIndex, Ranking
from streamrec.errors import UnknownId
from streamrec.index_protocol import AnswerMessage, QueryMessage
from streamrec.ports import Metrics
from streamrec.telemetry import timed
from streamrec.web.ids import id_in_path
from streamrec.web.queries import query_of

_json = msgspec.json.Encoder()


class SimilarUsersResource:
    """`GET /v1/users/{user_id}/similar`."""

    def __init__(self, generations: Generations, metrics: Metrics) -> None:
        self._generations = generations
        self._metrics = metrics

    def on_get(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """Answer with the users most like one.

        Raises
        ------
        UnknownId
            When the index has no such user.
        Unavailable
            When users are not indexed.
        """
        query, user_id = query_of(req, SimilarQuery), id_in_path(user_id)
        generation = self._generations.get(query.generation)
        self._metrics.count("index.queries")
        with timed(self._metrics, "index.search"):
            ranking = _like(generation.get_users(), user_id, query.k)
        scores = ranking.scores.tolist()
        users = [
            {"user_id": id_, "score": score} for id_, score in zip(ranking.item_ids, scores, strict=True)
        ]
        resp.data = _json.encode({"generation": generation.name, "users": users})


def answer_of_users(generation: Generation, query: QueryMessage) -> AnswerMessage:
    """Answer who is like a user; one who is not indexed is folded in from the items chosen last, if any.

    Raises
    ------
    InvalidInput
        When `k` does not fit.
    Unavailable
        When users are not indexed.
    """
    index, user_id = generation.get_users(), query.user_id or ""
    try:
        ranking, is_missing = _like(index, user_id, query.k, query.exclude), False
    except UnknownId:
        _, chosen = generation.index.vectors_of(query.recent)
        if not len(chosen):
            return AnswerMessage(generation.name, is_missing=True)
        # As the trainer does it once it knows the user, see `streamrec.learning.likeness`.
        vector = USERS.indexed(chosen.mean(axis=0, keepdims=True))[0]
        ranking, is_missing = index.search(vector, query.k, [user_id, *query.exclude]), True
    return AnswerMessage(generation.name, ranking.item_ids, ranking.scores.tobytes(), is_missing)


def _like(index: FaissIndex, user_id: str, k: int, exclude: list[str] | None = None) -> Ranking:
    try:
        return index.search_like(user_id, k, exclude or [])
    except UnknownId:
        raise UnknownId(f"the index has no user {user_id[:100]!r}") from None
