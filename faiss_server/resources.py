"""What the service answers."""

from typing import Any

import falcon
import msgspec
import numpy as np

from faiss_server.generations import Generations
from faiss_server.requests import (
    SearchRequest,
    SimilarQuery,
    as_vector,
    decode_search,
    decoded,
    excluded_of,
    reply_in_kind,
)
from faiss_server.users_resource import answer_of_users
from streamrec.adapters.faiss.index import FaissIndex, Ranking
from streamrec.errors import InvalidInput, Unavailable, UnknownId
from streamrec.index_protocol import (
    MAX_QUERIES,
    AnswerMessage,
    QueryMessage,
    decode_queries,
    encode_answers,
)
from streamrec.ports import Metrics
from streamrec.telemetry import timed
from streamrec.web.bodies import BodyReader
from streamrec.web.ids import id_in_path
from streamrec.web.queries import query_of

_json = msgspec.json.Encoder()


class SearchResource:
    """`POST /v1/search`: JSON for people, MessagePack for the service's client."""

    def __init__(self, generations: Generations, metrics: Metrics, reader: BodyReader) -> None:
        self._generations = generations
        self._metrics = metrics
        self._reader = reader

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer one request of several queries."""
        reply_in_kind(req, resp, self._reader, self._answer_client, self._answer_people)

    def _answer_client(self, body: bytes) -> bytes:
        queries = decoded(decode_queries, body)
        if len(queries) > MAX_QUERIES:
            raise InvalidInput(f"{len(queries)} queries; at most {MAX_QUERIES} are allowed")
        current = self._generations.get().name
        self._metrics.count("index.queries", len(queries))
        with timed(self._metrics, "index.search"):
            answers = [self._answer_query(query, current) for query in queries]
        return encode_answers(answers)

    def _answer_query(self, query: QueryMessage, current: str) -> AnswerMessage:
        """Answer one query; what is wrong with it must not spoil the others of the request."""
        try:
            generation = self._generations.get(query.generation)
            if query.user_id is not None:
                return answer_of_users(generation, query)
            ranking = _rank(generation.index, query)
        except UnknownId:
            return AnswerMessage(query.generation or current, is_missing=True)
        except InvalidInput as error:
            return AnswerMessage(query.generation or current, error=str(error))
        except Unavailable as error:
            return AnswerMessage(query.generation or current, error=str(error), is_unavailable=True)
        return AnswerMessage(generation.name, ranking.item_ids, ranking.scores.tobytes())

    def _answer_people(self, body: bytes) -> bytes:
        search = decode_search(body)
        generation = self._generations.get(search.generation)
        self._metrics.count("index.queries", search.n_queries)
        with timed(self._metrics, "index.search"):
            results, missing = _rank_all(generation.index, search)
        return _json.encode({"generation": generation.name, "results": results, "missing": missing})


class SimilarItemsResource:
    """`GET /v1/items/{item_id}/similar`."""

    def __init__(self, generations: Generations, metrics: Metrics) -> None:
        self._generations = generations
        self._metrics = metrics

    def on_get(self, req: falcon.Request, resp: falcon.Response, item_id: str) -> None:
        """Answer with the items most like one."""
        query, item_id = query_of(req, SimilarQuery), id_in_path(item_id)
        generation = self._generations.get(query.generation)
        self._metrics.count("index.queries")
        with timed(self._metrics, "index.search"):
            ranking = generation.index.search_like(item_id, query.k)
        resp.data = _json.encode({"generation": generation.name, "items": _as_items(ranking)})


def _rank(index: FaissIndex, query: QueryMessage) -> Ranking:
    if (query.vector is None) == (query.item_id is None):
        raise InvalidInput("give either a vector or an item's id")
    if query.item_id is not None:
        return index.search_like(query.item_id, query.k, query.exclude)
    if query.vector is None or len(query.vector) % 4:
        raise InvalidInput("a vector's bytes are float32 numbers")
    return index.search(np.frombuffer(query.vector, "<f4"), query.k, query.exclude)


def _rank_all(index: FaissIndex, search: SearchRequest) -> tuple[list[list[dict[str, Any]]], list[str]]:
    results: list[list[dict[str, Any]]] = []
    missing: list[str] = []
    excluded = excluded_of(search)
    for vector, exclude in zip(search.vectors or (), excluded, strict=False):
        results.append(_as_items(index.search(as_vector(vector), search.k, exclude)))
    for item_id, exclude in zip(search.item_ids or (), excluded, strict=False):
        try:
            results.append(_as_items(index.search_like(item_id, search.k, exclude)))
        except UnknownId:
            results.append([])
            missing.append(item_id)
    return results, missing


def _as_items(ranking: Ranking) -> list[dict[str, Any]]:
    scores = ranking.scores.tolist()
    return [
        {"item_id": item_id, "score": score} for item_id, score in zip(ranking.item_ids, scores, strict=True)
    ]
