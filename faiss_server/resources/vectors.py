"""Vectors by id."""

import asyncio

import falcon.asgi
import msgspec

from faiss_server.answers import check_number, vectors_by
from faiss_server.generations import Generations
from faiss_server.kinds import ITEMS
from faiss_server.resources.requests import decode_vectors_request, decoded, reply_in_kind
from streamrec.index_protocol import (
    VectorsMessage,
    decode_vectors_query,
    encode_vectors,
)
from streamrec.web.bodies import BodyReader

_json = msgspec.json.Encoder()


class VectorsResource:
    """`POST /v1/vectors`: JSON for people, MessagePack for the service's client."""

    def __init__(self, generations: Generations, reader: BodyReader) -> None:
        self._generations = generations
        self._reader = reader

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with the vectors of those items that a generation has."""
        await reply_in_kind(req, resp, self._reader, self._answer_client, self._answer_people)

    async def _answer_client(self, body: bytes) -> bytes:
        query = decoded(decode_vectors_query, body)
        name, ids, vectors = vectors_by(self._generations, query.ids, query.generation)
        return encode_vectors(VectorsMessage(name, ids, vectors.astype("<f4").tobytes()))

    async def _answer_people(self, body: bytes) -> bytes:
        # Writing numbers as text takes tens of milliseconds.
        return await asyncio.to_thread(self._text_for, body)

    def _text_for(self, body: bytes) -> bytes:
        request = decode_vectors_request(body)
        check_number(request.item_ids)
        generation = self._generations.get(request.generation)
        ids, vectors = generation.index_of(ITEMS).vectors_of(request.item_ids)
        by_id = dict(zip(ids, vectors.tolist(), strict=True))
        missing = [id_ for id_ in dict.fromkeys(request.item_ids) if id_ not in by_id]
        return _json.encode({"generation": generation.name, "vectors": by_id, "missing": missing})
