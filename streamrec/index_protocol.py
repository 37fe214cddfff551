"""Messages of the index server and its client: MessagePack, vectors and scores as raw float32.

A request carries a list of independent queries, an answer a list in the same order: the hop costs more than a
search, so a busy client sends what has gathered in one request. A query that is wrong fails alone.

Everything is a row of values without names, and the rows are those of version 0.2.0: recommenders and index
servers of different versions understand each other, so either may be updated first. A new value is added at
the end of a row, where servers that do not know it pass it over.
"""

from collections.abc import Iterable

import msgspec
import numpy as np

from streamrec.errors import Damaged, InvalidInput, Unavailable
from streamrec.payload import decoded
from streamrec.ports import ById, ByVector, IndexAnswer, IndexQuery, UsersByProfile

SEARCH_PATH = "/v1/search"
VECTORS_PATH = "/v1/vectors"
CONTENT_TYPE = "application/msgpack"
REQUEST_ID_HEADER = "X-Request-ID"

MAX_QUERIES = 1000
"""Queries in one request; at 1 ms each they keep a thread busy for a second."""

MAX_VECTORS = 1000
"""Ids whose vectors are asked for in one request: the largest pool that a list is chosen from."""


class QueryRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One query as it travels; of `vector`, `id` and `user_id` one is given, which says of what kind it is.

    Attributes
    ----------
    vector
        (D + 1,) float32 little-endian.
    recent
        Items that the user chose last.
    """

    k: int
    vector: bytes | None = None
    id: str | None = None
    exclude: list[str] = []
    generation: str | None = None
    user_id: str | None = None
    recent: list[str] = []


class AnswerMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One answer, as `streamrec.ports.IndexAnswer`.

    Attributes
    ----------
    scores
        (n,) float32 little-endian, one for each of `ids`.
    error
        Reason why the query is wrong, if it is; or why it can't be answered, where `is_unavailable`.
    """

    generation: str
    ids: list[str] = []
    scores: bytes = b""
    is_missing: bool = False
    error: str | None = None
    is_unavailable: bool = False


class VectorsQueryMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Ids whose vectors are wanted, and of which generation; None: the current one."""

    ids: list[str]
    generation: str | None = None


class VectorsMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The vectors of those that the index has; none when the generation is not served.

    Attributes
    ----------
    vectors
        (n, D + 1) float32 little-endian, a row for each of `ids`.
    """

    generation: str
    ids: list[str] = []
    vectors: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_queries_decoder = msgspec.msgpack.Decoder(list[QueryRow])
_answers_decoder = msgspec.msgpack.Decoder(list[AnswerMessage])
_vectors_query_decoder = msgspec.msgpack.Decoder(VectorsQueryMessage)
_vectors_decoder = msgspec.msgpack.Decoder(VectorsMessage)


def encode_queries(queries: Iterable[IndexQuery]) -> bytes:
    """Write the body of a request."""
    return _encoder.encode([_row_of(query) for query in queries])


def decode_queries(payload: bytes) -> list[QueryRow]:
    """Read the body of a request; `query_of` tells what each row asks for.

    Raises
    ------
    Damaged
        When it is not one.
    """
    return decoded(_queries_decoder.decode, payload)


def query_of(row: QueryRow) -> IndexQuery:
    """Return the query that a row holds.

    Raises
    ------
    InvalidInput
        When it is none, or more than one.
    """
    match row:
        case QueryRow(vector=bytes(vector), id=None, user_id=None):
            return ByVector(vector, row.k, row.exclude, row.generation)
        case QueryRow(vector=None, id=str(id_), user_id=None):
            return ById(id_, row.k, row.exclude, row.generation)
        case QueryRow(vector=None, id=None, user_id=str(user_id)):
            return UsersByProfile(user_id, row.k, row.recent, row.exclude, row.generation)
    raise InvalidInput("give one of a vector, an id and a user's id")


def _row_of(query: IndexQuery) -> QueryRow:
    exclude = list(query.exclude)
    match query:
        case ByVector():
            return QueryRow(query.k, query.vector, None, exclude, query.generation)
        case ById():
            return QueryRow(query.k, None, query.id, exclude, query.generation)
        case UsersByProfile():
            recent = list(query.recent)
            return QueryRow(
                query.k, exclude=exclude, generation=query.generation, user_id=query.user_id, recent=recent
            )


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


def answer_to(query: IndexQuery, message: AnswerMessage) -> IndexAnswer:
    """Return the answer that a message brings, if it is one to this query.

    Raises
    ------
    InvalidInput
        When the query was wrong.
    Unavailable
        When it was right, and can't be answered.
    Damaged
        When the message can't be an answer to it, whoever gave it.
    """
    if message.error is not None:
        raise Unavailable(message.error) if message.is_unavailable else InvalidInput(message.error)
    ids = message.ids
    if len(message.scores) != 4 * len(ids):
        raise Damaged(f"{len(message.scores)} bytes of scores for {len(ids)} ids")
    scores = np.frombuffer(message.scores, "<f4")
    if not np.isfinite(scores).all():
        raise Damaged("a score is not finite")
    distinct = set(ids)
    if len(ids) > query.k or len(distinct) < len(ids):
        raise Damaged(f"{len(ids)} ids, {len(distinct)} of them distinct, where {query.k} were wanted")
    if "" in distinct or (isinstance(query, UsersByProfile) and query.user_id in distinct):
        raise Damaged("an id that was not asked for")
    if query.generation not in (None, message.generation):
        raise Damaged(f"generation {message.generation[:100]!r}, asked for was {query.generation!r}")
    return IndexAnswer(message.generation, ids, scores.tolist(), message.is_missing)


def vectors_by_id(message: VectorsMessage, query: VectorsQueryMessage) -> dict[str, bytes]:
    """Return a row for each id of an answer that was asked for.

    Raises
    ------
    Damaged
        When it can't be an answer to this query.
    """
    ids, n_bytes = message.ids, len(message.vectors)
    width, rest = divmod(n_bytes, max(len(ids), 1))
    if rest or width % 4 or bool(width) != bool(ids):
        raise Damaged(f"{n_bytes} bytes for {len(ids)} vectors")
    if not np.isfinite(np.frombuffer(message.vectors, "<f4")).all():
        raise Damaged("a number of a vector is not finite")
    if len(set(ids)) < len(ids):
        raise Damaged("two vectors of one id")
    if query.generation not in (None, message.generation):
        raise Damaged(f"generation {message.generation[:100]!r}, asked for was {query.generation!r}")
    wanted = set(query.ids)
    return {
        id_: message.vectors[at * width : (at + 1) * width] for at, id_ in enumerate(ids) if id_ in wanted
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
