"""Routing on the path as it was sent, so that an id may hold a slash (``%2F``); resources decode ids.

Servers decode the path, after which a slash in an id can't be told from one that divides. HEAD is answered as
GET without the body (RFC 9110, section 9.3.2).
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import falcon.asgi
from falcon.routing import CompiledRouter

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_WITH_BODY = frozenset({"POST", "PUT"})

_ASCII = bytes(range(128))

_HTTP_VERSIONS = frozenset({"1.0", "1.1", "2", "3"})
"""Versions that Falcon knows."""


class StrictRouter(CompiledRouter):
    """Router to which a path begins with one slash: Falcon's passes over any number of them.

    Else whoever asks for a key by how a path begins would look at another path than the router does.
    """

    def find(self, uri: str, req: Any = None) -> Any:  # noqa: ANN401  # Falcon's own
        """Return what serves a path; None: nothing does."""
        return super().find(uri, req) if uri[:1] == "/" != uri[1:2] else None


class RawPathApp(falcon.asgi.App[Any, Any]):
    """ASGI application that routes on the raw path, and answers HEAD.

    Parameters
    ----------
    root_path
        Prefix that a proxy leaves before the paths, such as ``/rec``; paths without it are routed as well.
    """

    def __init__(self, root_path: str = "", **options: Any) -> None:  # noqa: ANN401  # Falcon's own
        super().__init__(router=StrictRouter(), **options)
        self._root_path = root_path.rstrip("/")

    async def __call__(  # type: ignore[override]  # Falcon types its own protocol of scopes
        self,
        scope: dict[str, Any],
        receive: Receive,
        send: Send,
    ) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan":
            send = _without_traceback(send)
        elif scope["type"] == "http" and scope["method"] == "HEAD":
            # A scope of its own: the server's says still that no body is to be sent.
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        elif scope["type"] == "http" and scope["method"] in _WITH_BODY:
            receive = _begun_before_the_body(receive)
        raw_path = scope.get("raw_path")
        if raw_path is not None:
            # Some servers leave the query string on it.
            scope["path"] = self._routed(raw_path.partition(b"?")[0].decode("latin-1"))
        if not (query := scope.get("query_string", b"")).isascii():
            # Raw bytes, which no client should send: Falcon would fail on those that are not UTF-8.
            scope["query_string"] = quote(query, safe=_ASCII).encode()
        if scope.get("http_version", "1.1") not in _HTTP_VERSIONS:
            # Such as 0.9, that of a request line without any: Falcon would fail.
            scope = {**scope, "http_version": "1.1"}
        await super().__call__(scope, receive, send)

    def _routed(self, path: str) -> str:
        root = self._root_path
        return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _begun_before_the_body(receive: Receive) -> Receive:
    """Let the app answer before any of the body has come: Falcon would wait for the beginning of it first.

    A body that is too large is refused before it is sent.
    """
    has_begun = False

    async def receive_later() -> Message:
        nonlocal has_begun
        if has_begun:
            return await receive()
        has_begun = True
        return {"type": "http.request", "body": b"", "more_body": True}

    return receive_later


def _without_traceback(send: Send) -> Send:
    """Keep Falcon's stack trace of a failed start from the server's log: the reason stands there already."""

    async def send_briefly(message: Message) -> None:
        await send({"type": message["type"]})

    return send_briefly


def _without_body(send: Send) -> Send:
    async def send_headers(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_headers
