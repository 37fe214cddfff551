"""Resources that search: for people in JSON, for the service's client in MessagePack."""

from collections.abc import Sequence
from typing import Any, ClassVar

import falcon.asgi
import msgspec

from faiss_server.answers import Searches, found_by, similar_to
from faiss_server.generations import Generation, Generations
from faiss_server.kinds import ITEMS, USERS, Kind
from faiss_server.resources.requests import (
    SearchRequest,
    SimilarQuery,
    as_vector,
    decode_search,
    decoded,
    excluded_of,
    reply_in_kind,
)
from streamrec.adapters.faiss.index import Ranking
from streamrec.errors import InvalidInput, Unavailable, UnknownId
from streamrec.index_protocol import (
    MAX_QUERIES,
    AnswerMessage,
    QueryRow,
    decode_queries,
    encode_answers,
    query_of,
)
from streamrec.ports import Metrics
from streamrec.telemetry import timed
from streamrec.web import queries
from streamrec.web.bodies import BodyReader
from streamrec.web.ids import id_in_path

_json = msgspec.json.Encoder()


class SearchResource:
    """`POST /v1/search`: JSON for people, MessagePack for the service's client."""

    def __init__(
        self, generations: Generations, metrics: Metrics, reader: BodyReader, searches: Searches
    ) -> None:
        self._generations = generations
        self._metrics = metrics
        self._reader = reader
        self._searches = searches

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer one request of several queries."""
        await reply_in_kind(req, resp, self._reader, self._answer_client, self._answer_people)

    async def _answer_client(self, body: bytes) -> bytes:
        rows = decoded(decode_queries, body)
        if len(rows) > MAX_QUERIES:
            raise InvalidInput(f"{len(rows)} queries; at most {MAX_QUERIES} are allowed")
        current = self._generations.get().name
        self._metrics.count("index.queries", len(rows))
        answers = await self._searches.run(lambda: self._answer_rows(rows, current), len(rows))
        return encode_answers(answers)

    def _answer_rows(self, rows: Sequence[QueryRow], current: str) -> list[AnswerMessage]:
        with timed(self._metrics, "index.search"):
            return [self._answer_row(row, current) for row in rows]

    def _answer_row(self, row: QueryRow, current: str) -> AnswerMessage:
        """Answer one query; what is wrong with it must not spoil the others of the request."""
        try:
            generation = self._generations.get(row.generation)
            (ids, scores, _), is_missing = found_by(generation, query_of(row))
        except UnknownId:
            return AnswerMessage(row.generation or current, is_missing=True)
        except InvalidInput as error:
            return AnswerMessage(row.generation or current, error=str(error))
        except Unavailable as error:
            return AnswerMessage(row.generation or current, error=str(error), is_unavailable=True)
        return AnswerMessage(generation.name, ids, scores.tobytes(), is_missing)

    async def _answer_people(self, body: bytes) -> bytes:
        search = decode_search(body)
        generation = self._generations.get(search.generation)
        self._metrics.count("index.queries", search.n_queries)

        def rank() -> tuple[list[list[dict[str, Any]]], list[str]]:
            with timed(self._metrics, "index.search"):
                return _rank_all(generation, search)

        results, missing = await self._searches.run(rank, search.n_queries)
        return _json.encode({"generation": generation.name, "results": results, "missing": missing})


class _SimilarResource:
    kind: ClassVar[Kind]

    def __init__(self, generations: Generations, metrics: Metrics, searches: Searches) -> None:
        self._generations = generations
        self._metrics = metrics
        self._searches = searches

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id_: str) -> None:
        """Answer with the ids most similar to one.

        Raises
        ------
        UnknownId
            When the index has no such id.
        Unavailable
            When users are asked for, and are not indexed.
        """
        query, id_ = queries.query_of(req, SimilarQuery), id_in_path(id_)
        generation = self._generations.get(query.generation)
        self._metrics.count("index.queries")

        def rank() -> Ranking:
            with timed(self._metrics, "index.search"):
                return similar_to(generation, self.kind, id_, query.k)

        ranking = await self._searches.run(rank)
        shown = _shown(ranking, self.kind)
        resp.data = _json.encode({"generation": generation.name, f"{self.kind.name}s": shown})


class SimilarItemsResource(_SimilarResource):
    """`GET /v1/items/{id_}/similar`."""

    kind = ITEMS


class SimilarUsersResource(_SimilarResource):
    """`GET /v1/users/{id_}/similar`."""

    kind = USERS


def _rank_all(generation: Generation, search: SearchRequest) -> tuple[list[list[dict[str, Any]]], list[str]]:
    results: list[list[dict[str, Any]]] = []
    missing: list[str] = []
    excluded = excluded_of(search)
    for vector, exclude in zip(search.vectors or (), excluded, strict=False):
        ranking = generation.index_of(ITEMS).search(as_vector(vector), search.k, exclude)
        results.append(_shown(ranking, ITEMS))
    for id_, exclude in zip(search.item_ids or (), excluded, strict=False):
        try:
            results.append(_shown(similar_to(generation, ITEMS, id_, search.k, exclude), ITEMS))
        except UnknownId:
            results.append([])
            missing.append(id_)
    return results, missing


def _shown(ranking: Ranking, kind: Kind) -> list[dict[str, Any]]:
    scores = ranking.scores.tolist()
    return [{f"{kind.name}_id": id_, "score": score} for id_, score in zip(ranking.ids, scores, strict=True)]
