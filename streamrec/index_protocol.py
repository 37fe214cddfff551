"""What the index server and its client say to each other: MessagePack, vectors and scores as raw float32.

A request carries a list of independent queries, an answer a list in the same order: the hop costs more than a
search, so a busy client sends what has gathered in one request. A query that is wrong fails alone.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec
import numpy as np

from streamrec.errors import Damaged, InvalidInput, Unavailable
from streamrec.payload import decoded

T = TypeVar("T")

SEARCH_PATH = "/v1/search"
VECTORS_PATH = "/v1/vectors"
CONTENT_TYPE = "application/msgpack"
REQUEST_ID_HEADER = "X-Request-ID"

MAX_QUERIES = 1000
"""Queries in one request; at 1 ms each they keep a thread busy for a second."""

MAX_VECTORS = 1000
"""Items whose vectors are asked for in one request: the largest pool that a list is chosen from."""


class QueryMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One search, as `streamrec.ports.IndexQuery`, or as `streamrec.ports.UserQuery` when `user_id` is given.

    Attributes
    ----------
    vector
        (D + 1,) float32 little-endian; None when an id is given.
    recent
        Items that the user chose last.
    """

    k: int
    vector: bytes | None = None
    item_id: str | None = None
    exclude: list[str] = []
    generation: str | None = None
    user_id: str | None = None
    recent: list[str] = []


class AnswerMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One answer, as `streamrec.ports.IndexAnswer`, or as `streamrec.ports.UserAnswer`.

    Attributes
    ----------
    item_ids
        Ids of users where users were asked for.
    scores
        (n,) float32 little-endian, one for each of `item_ids`.
    error
        What is wrong with the query, if something is; or why it can't be answered, where `is_unavailable`.
    """

    generation: str
    item_ids: list[str] = []
    scores: bytes = b""
    is_missing: bool = False
    error: str | None = None
    is_unavailable: bool = False


class VectorsQueryMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Whose vectors are wanted, and of which generation; None: the current one."""

    item_ids: list[str]
    generation: str | None = None


class VectorsMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The vectors of those that the index has; none when the generation is not served.

    Attributes
    ----------
    vectors
        (n, D + 1) float32 little-endian, a row for each of `item_ids`.
    """

    generation: str
    item_ids: list[str] = []
    vectors: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_queries_decoder = msgspec.msgpack.Decoder(list[QueryMessage])
_answers_decoder = msgspec.msgpack.Decoder(list[AnswerMessage])
_vectors_query_decoder = msgspec.msgpack.Decoder(VectorsQueryMessage)
_vectors_decoder = msgspec.msgpack.Decoder(VectorsMessage)


def encode_queries(queries: list[QueryMessage]) -> bytes:
    """Write the body of a request."""
    return _encoder.encode(queries)


def decode_queries(payload: bytes) -> list[QueryMessage]:
    """Read the body of a request.

    Raises
    ------
    Damaged
        When it is not one.
    """
    return decoded(_queries_decoder.decode, payload)


def encode_answers(answers: list[AnswerMessage]) -> bytes:
    """Write the body of an answer."""
    return _encoder.encode(answers)


def decode_answers(payload: bytes) -> list[AnswerMessage]:
    """Read the body of an answer.

    Raises
    ------
    Damaged
        When it is not one.
    """
    return decoded(_answers_decoder.decode, payload)


def checked_answer(answer: AnswerMessage, query: QueryMessage) -> AnswerMessage:
    """Return an answer that is one to this query.

    Raises
    ------
    InvalidInput
        When the query was wrong.
    Unavailable
        When it was right, and can't be answered.
    Damaged
        When the answer can't be one to it, whoever gave it.
    """
    if answer.error is not None:
        raise Unavailable(answer.error) if answer.is_unavailable else InvalidInput(answer.error)
    ids = answer.item_ids
    if len(answer.scores) != 4 * len(ids):
        raise Damaged(f"{len(answer.scores)} bytes of scores for {len(ids)} ids")
    if not np.isfinite(np.frombuffer(answer.scores, "<f4")).all():
        raise Damaged("a score is not finite")
    if len(ids) > query.k or len(set(ids)) < len(ids):
        raise Damaged(f"{len(ids)} ids, {len(set(ids))} of them distinct, where {query.k} were wanted")
    if "" in ids or query.user_id in ids:
        raise Damaged("an id that was not asked for")
    if query.generation not in (None, answer.generation):
        raise Damaged(f"generation {answer.generation[:100]!r}, asked for was {query.generation!r}")
    return answer


def ranking_of(answer: AnswerMessage, kind: Callable[[str, float], T]) -> list[T]:
    """Return what was found, made of ids and scores of a checked answer."""
    return list(map(kind, answer.item_ids, np.frombuffer(answer.scores, "<f4").tolist()))


def vectors_by_id(message: VectorsMessage, query: VectorsQueryMessage) -> dict[str, bytes]:
    """Return a row for each id of an answer that was asked for.

    Raises
    ------
    Damaged
        When it can't be an answer to this query.
    """
    ids, n_bytes = message.item_ids, len(message.vectors)
    width, rest = divmod(n_bytes, max(len(ids), 1))
    if rest or width % 4 or bool(width) != bool(ids):
        raise Damaged(f"{n_bytes} bytes for {len(ids)} vectors")
    if not np.isfinite(np.frombuffer(message.vectors, "<f4")).all():
        raise Damaged("a number of a vector is not finite")
    if len(set(ids)) < len(ids):
        raise Damaged("two vectors of one item")
    if query.generation not in (None, message.generation):
        raise Damaged(f"generation {message.generation[:100]!r}, asked for was {query.generation!r}")
    wanted = set(query.item_ids)
    return {
        item_id: message.vectors[at * width : (at + 1) * width]
        for at, item_id in enumerate(ids)
        if item_id in wanted
    }


def encode_vectors_query(query: VectorsQueryMessage) -> bytes:
    """Write the body of a request for vectors."""
    return _encoder.encode(query)


def decode_vectors_query(payload: bytes) -> VectorsQueryMessage:
    """Read the body of a request for vectors.

    Raises
    ------
    Damaged
        When it is not one.
    """
    return decoded(_vectors_query_decoder.decode, payload)


def encode_vectors(vectors: VectorsMessage) -> bytes:
    """Write the body of an answer with vectors."""
    return _encoder.encode(vectors)


def decode_vectors(payload: bytes) -> VectorsMessage:
    """Read the body of an answer with vectors.

    Raises
    ------
    Damaged
        When it is not one.
    """
    return decoded(_vectors_decoder.decode, payload)
