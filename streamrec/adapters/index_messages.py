"""What the index server and its client say to each other: MessagePack, vectors and scores as raw float32.

A request carries a list of independent queries, an answer a list in the same order: the hop costs more than a
search, so a busy client sends what has gathered in one request. A query that is wrong fails alone.
"""

import msgspec

SEARCH_PATH = "/v1/search"
CONTENT_TYPE = "application/msgpack"
REQUEST_ID_HEADER = "X-Request-ID"

MAX_QUERIES = 1000
"""Queries in one request; at 1 ms each they keep a thread busy for a second."""


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


_encoder = msgspec.msgpack.Encoder()
_queries_decoder = msgspec.msgpack.Decoder(list[QueryMessage])
_answers_decoder = msgspec.msgpack.Decoder(list[AnswerMessage])


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
