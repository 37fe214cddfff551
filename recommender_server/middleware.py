"""What happens to every request: it gets an id, it is let in or not, it is timed."""

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import falcon
import falcon.asgi
import structlog

from recommender_server.access import ApiKeys
from streamrec.errors import ConfigurationError
from streamrec.ports import Metrics
from streamrec.redaction import shown_path
from streamrec.serving.readiness import Readiness

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

_METHODS = frozenset({"GET", "PUT", "POST", "DELETE"})
"""Those that some route has; all others, which may be any word, count as one."""

_log = structlog.get_logger()


class Requests:
    """Names and times every request.

    The id is the caller's ``X-Request-ID`` where it is a plain word, else a new one. It goes into the answer,
    into every line logged meanwhile, and into what is asked of the index and the stores. A line for every
    request is written at the level DEBUG only: it would cost more than many an answer. Slow requests are
    always logged.

    Parameters
    ----------
    slow_s
        From how many seconds on a request is slow.
    """

    def __init__(self, metrics: Metrics, slow_s: float) -> None:
        self._metrics = metrics
        self._slow_s = slow_s

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Name the request."""
        given = req.get_header("X-Request-ID")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        req.context.request_id = request_id
        req.context.started = time.perf_counter()
        resp.set_header("X-Request-ID", request_id)
        # Lists are personal, and old a second later; resources that may be kept say so.
        resp.set_header("Cache-Control", "no-store")
        structlog.contextvars.bind_contextvars(request_id=request_id)

    async def process_response(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Count and time what was answered, by resource: paths hold ids, and would make a name each."""
        took_s = time.perf_counter() - req.context.started
        topic = type(resource).__name__.lower() if resource is not None else "none"
        route = f"{topic}.{req.method.lower() if req.method in _METHODS else 'other'}"
        self._metrics.count(f"recommender.requests.{route}.{resp.status_code // 100}xx")
        self._metrics.timing(f"recommender.latency.{route}", took_s * 1000)
        write = _log.warning if took_s >= self._slow_s else _log.debug
        write(
            "request",
            method=req.method,
            path=shown_path(req.path),
            status=resp.status_code,
            took_ms=round(took_s * 1000, 2),
        )


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
