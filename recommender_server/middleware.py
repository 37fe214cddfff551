"""Middleware of this service alone: who is let in, and what is opened and closed with the server."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import falcon
import falcon.asgi
import structlog

from recommender_server.access import ApiKeys
from streamrec.errors import ConfigurationError
from streamrec.serving.readiness import Readiness

_log = structlog.get_logger()


class Access:
    """Lets in who has a key; health, documents and everything else outside ``/v1`` is open.

    Parameters
    ----------
    is_open_to_browsers
        Whether preflight requests, to which browsers add no key, are let through.
    """

    def __init__(self, keys: ApiKeys, *, is_open_to_browsers: bool = False) -> None:
        self._keys = keys
        self._is_open_to_browsers = is_open_to_browsers

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Refuse a request without a valid key.

        Raises
        ------
        falcon.HTTPUnauthorized
            When there is none.
        """
        if not req.path.startswith("/v1/") or (self._is_open_to_browsers and _is_preflight(req)):
            return
        key = req.get_header("X-API-Key")
        if key is None:
            scheme, _, token = (req.auth or "").partition(" ")
            key = token.strip() if scheme.lower() == "bearer" else None
        if not self._keys.allow(key):
            raise falcon.HTTPUnauthorized(
                description="send a valid key as X-API-Key or Authorization: Bearer", challenges=["Bearer"]
            )


def _is_preflight(req: falcon.asgi.Request) -> bool:
    return req.method == "OPTIONS" and bool(req.get_header("Access-Control-Request-Method"))


class Lifespan:
    """Looks for the parts when the server starts, and closes what it holds open after the last request."""

    def __init__(self, readiness: Readiness, closers: Iterable[Callable[[], Awaitable[None]]]) -> None:
        self._readiness = readiness
        self._closers = tuple(closers)

    async def process_startup(self, scope: dict[str, Any], event: Mapping[str, Any]) -> None:
        """Start also without the parts; not when one refuses us.

        Raises
        ------
        ConfigurationError
            Which ends the process.
        """
        try:
            await self._readiness.start()
        except ConfigurationError as error:
            _log.critical("refused", error=str(error))
            raise

    async def process_shutdown(self, scope: dict[str, Any], event: Mapping[str, Any]) -> None:
        """Close everything, in order."""
        for close in self._closers:
            await close()
