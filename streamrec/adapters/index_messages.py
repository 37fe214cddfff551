"""What the index server and its client say to each other: MessagePack, vectors and scores as raw float32.

A request carries a list of independent queries, an answer a list in the same order: the hop costs more than a
search, so a busy client sends what has gathered in one request. A query that is wrong fails alone.
"""

import msgspec

SEARCH_PATH = "/v1/search"
VECTORS_PATH = "/v1/vectors"
CONTENT_TYPE = "application/msgpack"
REQUEST_ID_HEADER = "X-Request-ID"

MAX_QUERIES = 1000
"""Queries in one request; at 1 ms each they keep a thread busy for a second."""

MAX_VECTORS = 1000
"""Items whose vectors are asked for in one request: the largest pool that a list is chosen from."""


class QueryMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One search, as `streamrec.ports.IndexQuery`.

    Attributes
    ----------
    vector
        (D + 1,) float32 little-endian; None when `item_id` is given.
    """

    k: int
    vector: bytes | None = None
    item_id: str | None = None
    exclude: list[str] = []
    generation: str | None = None


class AnswerMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One answer, as `streamrec.ports.IndexAnswer`.

    Attributes
    ----------
    scores
        (n,) float32 little-endian, one for each of `item_ids`.
    error
        What is wrong with the query, if something is.
    """

    generation: str
    item_ids: list[str] = []
    scores: bytes = b""
    is_missing: bool = False
    error: str | None = None


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
    msgspec.DecodeError
        When it is not one.
    """
    return _queries_decoder.decode(payload)


def encode_answers(answers: list[AnswerMessage]) -> bytes:
    """Write the body of an answer."""
    return _encoder.encode(answers)


def decode_answers(payload: bytes) -> list[AnswerMessage]:
    """Read the body of an answer.

    Raises
    ------
    msgspec.DecodeError
        When it is not one.
    """
    return _answers_decoder.decode(payload)


def encode_vectors_query(query: VectorsQueryMessage) -> bytes:
    """Write the body of a request for vectors."""
    return _encoder.encode(query)


def decode_vectors_query(payload: bytes) -> VectorsQueryMessage:
    """Read the body of a request for vectors.

    Raises
    ------
    msgspec.DecodeError
        When it is not one.
    """
    return _vectors_query_decoder.decode(payload)


def encode_vectors(vectors: VectorsMessage) -> bytes:
    """Write the body of an answer with vectors."""
    return _encoder.encode(vectors)


def decode_vectors(payload: bytes) -> VectorsMessage:
    """Read the body of an answer with vectors.

    Raises
    ------
    msgspec.DecodeError
        When it is not one.
    """
    return _vectors_decoder.decode(payload)
