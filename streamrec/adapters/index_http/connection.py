"""One HTTP/1.1 connection that is kept, for a client that asks one thing at a time.

A client for everything takes 250 us of CPU a request, more than the searches that are in it; this one 40.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

from streamrec.errors import ConfigurationError, InvalidInput, Unavailable
from streamrec.redaction import shown_url

_OF_A_WRONG_QUESTION = (400, 413)

_MAX_BODY_BYTES = 64_000_000
"""Several times what the answers to the largest request take."""


KeySource = Callable[[], str | None]
"""Tells the key that a request brings; None: none."""


def no_key() -> None:
    """Return that requests bring no key."""


class Reply(NamedTuple):
    """Answer of a server."""

    status: int
    body: bytes


def body_of(reply: Reply, url: str) -> bytes:
    """Return the body of a success.

    Raises
    ------
    InvalidInput
        When the server says that the request is wrong.
    Unavailable
        When it could not answer.
    """
    if reply.status != 200:
        detail = reply.body[:500].decode(errors="replace")
        # Whatever else is refused, as by a server that is no index, is no fault of who asks us.
        kind = InvalidInput if reply.status in _OF_A_WRONG_QUESTION else Unavailable
        raise kind(f"{url} answered {reply.status}: {detail}")
    return reply.body


class KeptConnection:
    """Posts to one URL, and connects anew when the server has closed the connection. For one event loop."""

    def __init__(self, url: str, key: KeySource = no_key) -> None:
        """Connect at the first request.

        Raises
        ------
        ConfigurationError
            When it is not the URL of an HTTP server.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(f"{shown_url(url)!r} is not of the form http://host:port")
        self._host = parts.hostname
        self._is_secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._is_secure else 80)
        self._head = f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
        self._key = key
        self._exchange: _Exchange | None = None

    async def post(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a body and return what comes back; on cancellation the connection is given up.

        The request must be one that may be sent twice: a server may close a kept connection at the very
        moment when it is used again.

        Raises
        ------
        OSError
            When the server can't be reached, or ends the connection, or does not speak HTTP.
        """
        if (key := self._key()) is not None:
            headers = {**headers, "X-API-Key": key}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"{self._head}{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
        kept = self._exchange
        if kept is not None and kept.is_open:
            try:
                return await kept.send(request)
            except ConnectionResetError:
                if kept.has_received:
                    raise
        fresh = self._exchange = await self._connect()
        return await fresh.send(request)

    def close(self) -> None:
        """End the connection."""
        if self._exchange is not None:
            self._exchange.close()

    async def _connect(self) -> "_Exchange":
        loop = asyncio.get_running_loop()
        tls = True if self._is_secure else None
        return (await loop.create_connection(_Exchange, self._host, self._port, ssl=tls))[1]


class _Exchange(asyncio.Protocol):
    """Requests and replies of one connection, one after the other."""

    def __init__(self) -> None:
        self.has_received = False
        self._transport: asyncio.Transport | None = None
        self._reply: asyncio.Future[Reply] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._n_bytes = 0

    @property
    def is_open(self) -> bool:
        """True when a request may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def send(self, request: bytes) -> Reply:
        """Write a request at once, and wait for the reply to it."""
        if self._transport is None:
            raise ConnectionResetError("the connection was closed")
        self.has_received = False
        self._body = []
        self._n_bytes = 0
        self._reply = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._reply
        except asyncio.CancelledError:
            self.close()  # a late reply must not be taken for the next one's
            raise

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (uvloop's is a write transport without saying so)."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take a part of a reply."""
        self.has_received = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._end(ConnectionAbortedError(f"this is no HTTP: {error}"))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for what will not come."""
        self._transport = None
        self._end(ConnectionResetError(f"the server ended the connection{f': {exc}' if exc else ''}"))

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body; the parser calls this."""
        self._n_bytes += len(part)
        if self._n_bytes > _MAX_BODY_BYTES:
            self._end(ConnectionAbortedError(f"more than {_MAX_BODY_BYTES} bytes"))
            self.close()
        else:
            self._body.append(part)

    def on_message_complete(self) -> None:
        """Hand the reply over; the parser calls this."""
        is_awaited = self._reply is not None and not self._reply.done()
        if not is_awaited or not self._parser.should_keep_alive():
            self.close()  # a reply too many must not be taken for the next one's
        if self._reply is not None and is_awaited:
            self._reply.set_result(Reply(self._parser.get_status_code(), b"".join(self._body)))

    def _end(self, error: OSError) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error)
