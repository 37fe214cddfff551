"""Vectors by id, of an index service over HTTP."""

import asyncio
from collections.abc import Sequence

import structlog

from streamrec.adapters.index_http.connection import KeptConnection, KeySource, body_of, no_key
from streamrec.errors import Damaged, Unavailable
from streamrec.index_protocol import (
    CONTENT_TYPE,
    REQUEST_ID_HEADER,
    VECTORS_PATH,
    VectorsQueryMessage,
    decode_vectors,
    encode_vectors_query,
    vectors_by_id,
)
from streamrec.redaction import shown_url


class VectorLookup:
    """One call after the other, over a connection of its own: no search waits. For one event loop."""

    def __init__(self, url: str, timeout_s: float, key: KeySource = no_key) -> None:
        """Connect at the first call; `timeout_s` is the longest that one waits, in the queue included."""
        vectors_url = url.rstrip("/") + VECTORS_PATH
        self._url = shown_url(vectors_url)
        self._timeout_s = timeout_s
        self._connection = KeptConnection(vectors_url, key)
        self._in_order = asyncio.Lock()

    async def of(self, ids: Sequence[str], generation: str | None) -> dict[str, bytes]:
        """Return (D + 1,) float32 bytes by id; what the generation has not is left out.

        Raises
        ------
        InvalidInput
            When the service says that these are too many.
        Unavailable
            When it does not answer in time.
        """
        query = VectorsQueryMessage(list(ids), generation)
        body = encode_vectors_query(query)
        headers = {"Content-Type": CONTENT_TYPE}
        if request_id := structlog.contextvars.get_contextvars().get("request_id"):
            headers[REQUEST_ID_HEADER] = request_id
        try:
            async with asyncio.timeout(self._timeout_s), self._in_order:
                reply = await self._connection.post(headers, body)
        except (TimeoutError, OSError) as error:
            raise Unavailable(f"{self._url}: {type(error).__name__}: {error}") from error
        try:
            return vectors_by_id(decode_vectors(body_of(reply, self._url)), query)
        except Damaged as error:
            raise Unavailable(f"{self._url} answered something else: {error}") from error

    def close(self) -> None:
        """Close the connection; a call under way fails."""
        self._connection.close()
