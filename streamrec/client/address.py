"""The address of a recommender, and what every request to it carries."""

import ssl
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import httpcore

from streamrec import __version__
from streamrec.client.attempts import Failure, Reply
from streamrec.client.call import Call

MAX_CONNECTIONS = 20
"""Requests of one client at a time; further ones wait for a connection, within their time."""

KEEP_ALIVE_S = 30.0

MAX_ANSWER_BYTES = 100_000_000
"""The largest answer, a full batch, has some 6 MB; whoever sends more is no recommender."""


class Address(NamedTuple):
    """Destination of requests, and their headers.

    Attributes
    ----------
    root
        Path before every path, without a slash at its end.
    """

    scheme: str
    host: str
    port: int
    root: str
    headers: tuple[tuple[bytes, bytes], ...]

    def url_of(self, call: Call[Any]) -> httpcore.URL:
        """Return where a call goes."""
        target = f"{self.root}{call.target}".encode("ascii")
        return httpcore.URL(
            scheme=self.scheme.encode(), host=self.host.encode(), port=self.port, target=target
        )

    def headers_of(self, call: Call[Any]) -> list[tuple[bytes, bytes]]:
        """Return what a call carries."""
        described = [] if call.body is None else [(b"Content-Type", call.content_type.encode())]
        return [*self.headers, *described]


def address_of(url: str, api_key: str | None) -> Address:
    """Return the address that a URL names.

    Raises
    ------
    ValueError
        When it is none, or the key can't stand in a header.

    >>> address_of("https://recommender.example/rec/", None)[:4]
    ('https', 'recommender.example', 443, '/rec')
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address such as http://127.0.0.1:8000")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(
            "a recommender's address has no user, no query and no fragment; keys are given as api_key"
        )
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = _host_of(url, parts.hostname)
    named = f"[{host}]" if ":" in host else host
    headers = [
        (b"Host", (named if parts.port is None else f"{named}:{port}").encode()),
        (b"Accept", b"application/json"),
        (b"User-Agent", f"streamrec-client/{__version__}".encode()),
    ]
    if api_key is not None:
        if not (api_key.isascii() and api_key.isprintable() and api_key.strip()):
            raise ValueError("api_key holds what can't stand in a header: it has to be printable ASCII")
        headers.append((b"X-API-Key", api_key.encode()))
    return Address(parts.scheme, host, port, quote(parts.path.rstrip("/"), safe="/%"), tuple(headers))


def _host_of(url: str, name: str) -> str:
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"{url!r} names no host: {error}") from error


def context_for(address: Address, ssl_context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """Return what certificates are checked by: the system's authorities, unless others are given."""
    if ssl_context is not None or address.scheme == "http":
        return ssl_context
    return ssl.create_default_context()


def proxy_of(url: str | None) -> httpcore.Proxy | None:
    """Return the proxy that a URL names."""
    return None if url is None else httpcore.Proxy(url)


class ReplyReader:
    """Collects an answer, up to `MAX_ANSWER_BYTES`."""

    def __init__(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._status = status
        self._headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in headers}
        self._parts: list[bytes] = []
        self._room = MAX_ANSWER_BYTES

    def feed(self, part: bytes) -> None:
        """Take a part of the body.

        Raises
        ------
        httpcore.RemoteProtocolError
            When it is too much.
        """
        self._room -= len(part)
        if self._room < 0:
            raise httpcore.RemoteProtocolError(f"the answer has more than {MAX_ANSWER_BYTES:,} bytes")
        self._parts.append(part)

    def reply(self) -> Reply:
        """Return the whole."""
        return Reply(self._status, self._headers, b"".join(self._parts))


NOT_ANSWERED = (
    httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, OSError,
)  # fmt: skip
"""Errors of sending where no answer comes."""


def failure_of(error: Exception) -> Failure:
    """Return what it means that sending raised this."""
    reason = f"{type(error).__name__}: {error}".removesuffix(": ")
    return Failure(reason, isinstance(error, httpcore.TimeoutException | TimeoutError))
