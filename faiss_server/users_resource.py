"""Which users are alike: cosines of what was learned of them."""

import falcon
import msgspec
import numpy as np

from faiss_server.generations import Generation, Generations
from faiss_server.kinds import USERS
from faiss_server.requests import id_in_path, read_k
from streamrec.adapters.faiss_index import FaissIndex, Ranking
from streamrec.adapters.index_messages import AnswerMessage, QueryMessage
from streamrec.errors import InvalidInput, UnknownId
from streamrec.ports import Metrics
from streamrec.telemetry import timed

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
        k, user_id = read_k(req), id_in_path(user_id)
        generation = self._generations.get(req.get_param("generation"))
        self._metrics.count("index.queries")
        with timed(self._metrics, "index.search"):
            ranking = _like(generation.get_users(), user_id, k)
        scores = ranking.scores.tolist()
        users = [
            {"user_id": id_, "score": score} for id_, score in zip(ranking.item_ids, scores, strict=True)
        ]
        resp.data = _json.encode({"generation": generation.name, "users": users})


def answer_of_users(generation: Generation, query: QueryMessage) -> AnswerMessage:
    """Answer who is like a user; of one that is not indexed, who is near the vector, if there is one.

    Raises
    ------
    InvalidInput
        When `k` or the vector does not fit.
    Unavailable
        When users are not indexed.
    """
    index, user_id = generation.get_users(), query.user_id or ""
    try:
        ranking, is_missing = _like(index, user_id, query.k, query.exclude), False
    except UnknownId:
        if query.vector is None:
            return AnswerMessage(generation.name, is_missing=True)
        ranking, is_missing = _near(index, query.vector, query.k, [user_id, *query.exclude]), True
    return AnswerMessage(generation.name, ranking.item_ids, ranking.scores.tobytes(), is_missing)


def _like(index: FaissIndex, user_id: str, k: int, exclude: list[str] | None = None) -> Ranking:
    try:
        return index.search_like(user_id, k, exclude or [])
    except UnknownId:
        raise UnknownId(f"the index has no user {user_id[:100]!r}") from None


def _near(index: FaissIndex, vector: bytes, k: int, exclude: list[str]) -> Ranking:
    if len(vector) != 4 * index.dimension:
        raise InvalidInput(f"a vector of {len(vector)} bytes; {4 * index.dimension} are wanted")
    query = np.frombuffer(vector, "<f4")[None]
    with np.errstate(invalid="ignore", over="ignore"):
        return index.search(USERS.indexed(query)[0], k, exclude)
