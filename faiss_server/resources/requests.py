"""Requests of clients and of people, and how they become queries."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import falcon.asgi
import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec import payload
from streamrec.adapters.faiss.index import MAX_K
from streamrec.errors import Damaged, InvalidInput
from streamrec.index_protocol import CONTENT_TYPE, MAX_QUERIES
from streamrec.web.bodies import JSON, BodyReader

T = TypeVar("T")

Answer = Callable[[bytes], Awaitable[bytes]]
"""From the body of a request to the body of its answer."""

DEFAULT_K = 10

K = Annotated[int, msgspec.Meta(ge=1, le=MAX_K)]


class SearchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A search for people: JSON.

    Attributes
    ----------
    vectors
        Q vectors of D + 1 numbers, each a query; or
    item_ids
        Q items, each a query for those similar to it.
    exclude
        For each query the ids to leave out; empty: nothing is left out.
    generation
        The one that the vectors are of; None: the current one.
    """

    vectors: Annotated[list[list[float]], msgspec.Meta(max_length=MAX_QUERIES)] | None = None
    item_ids: Annotated[list[str], msgspec.Meta(max_length=MAX_QUERIES)] | None = None
    k: K = DEFAULT_K
    exclude: list[list[str]] = []
    generation: str | None = None

    @property
    def n_queries(self) -> int:
        """Number of queries that it holds."""
        return len(self.item_ids or self.vectors or ())


class SimilarQuery(msgspec.Struct, frozen=True):
    """Parameters of a search for what is similar to an id; `generation` None: of the current one."""

    k: K = DEFAULT_K
    generation: str | None = None


class VectorsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request of people for vectors by id: JSON; `generation` None: of the current one."""

    item_ids: list[str]
    generation: str | None = None


_vectors_decoder = msgspec.json.Decoder(VectorsRequest)
_search_decoder = msgspec.json.Decoder(SearchRequest)


def decoded(decode: Callable[[bytes], T], body: bytes) -> T:
    """Read a body.

    Raises
    ------
    InvalidInput
        When it is not what the decoder reads.
    """
    try:
        return payload.decoded(decode, body)
    except Damaged as error:
        raise InvalidInput(str(error)) from error


async def reply_in_kind(
    req: falcon.asgi.Request,
    resp: falcon.asgi.Response,
    reader: BodyReader,
    for_client: Answer,
    for_people: Answer,
) -> None:
    """Answer a body in its own form: MessagePack to the service's client, JSON to people."""
    body = await reader.read(req)
    is_of_client = body.media_type == CONTENT_TYPE
    resp.data = await (for_client if is_of_client else for_people)(body.payload)
    resp.content_type = CONTENT_TYPE if is_of_client else JSON


def decode_search(body: bytes) -> SearchRequest:
    """Read a JSON search.

    Raises
    ------
    InvalidInput
        When it is not one.
    """
    search = decoded(_search_decoder.decode, body)
    if (search.vectors is None) == (search.item_ids is None):
        raise InvalidInput("give either `vectors` or `item_ids`")
    if search.exclude and len(search.exclude) != search.n_queries:
        raise InvalidInput(f"`exclude` has {len(search.exclude)} lists for {search.n_queries} queries")
    return search


def decode_vectors_request(body: bytes) -> VectorsRequest:
    """Read a JSON request for vectors.

    Raises
    ------
    InvalidInput
        When it is not one.
    """
    return decoded(_vectors_decoder.decode, body)


def excluded_of(search: SearchRequest) -> Sequence[list[str]]:
    """Return the ids to leave out, a list for each query."""
    return search.exclude or [[]] * search.n_queries


def as_vector(numbers: list[float]) -> NDArray[np.float32]:
    """Return (D + 1,) float32; a number too large for it becomes infinite, which the index refuses."""
    with np.errstate(over="ignore"):
        return np.asarray(numbers, np.float64).astype(np.float32)
