"""Middleware that names, times and counts every request."""

import logging
import re
import secrets
import time
from collections.abc import Iterator
from typing import Final

import falcon.asgi
import structlog

from streamrec.index_protocol import REQUEST_ID_HEADER
from streamrec.ports import Metrics
from streamrec.redaction import shown_path

ONE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""A caller's id: a plain word."""

JOINED_IDS: Final = re.compile(r"[A-Za-z0-9._:,-]{1,8000}")
"""Ids of several callers, whose queries one request carries."""

_METHODS = frozenset({"GET", "PUT", "POST", "DELETE"})
"""Methods that some route has; all others, which may be any word, count as one."""

_FOR_BROWSERS = {
    # Lists are personal, and old a second later; resources that may be kept say so.
    "Cache-Control": "no-store",
    # An answer is data: whoever opens it as a page, or as a part of one, runs and shows nothing.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer; pages have a policy of their own."""

_log = structlog.get_logger()


_IDS_AT_ONCE = 256
"""The system's random numbers cost a call of it each time."""


class Requests:
    """Names and times every request.

    The id is the caller's ``X-Request-ID`` where it is well formed, else a new one. It goes into the answer,
    into every line logged meanwhile, and into what is asked of the index and the stores. A line for every
    request is written at the level DEBUG only: it would cost more than many an answer. Slow requests are
    always logged.
    """

    def __init__(
        self, service: str, metrics: Metrics, slow_s: float, well_formed: re.Pattern[str] = ONE_ID
    ) -> None:
        """Count and time as ``<service>.requests...`` and ``<service>.latency...``.

        Parameters
        ----------
        slow_s
            From how many seconds on a request is slow.
        well_formed
            Ids that are taken from the caller.
        """
        self._service = service
        self._metrics = metrics
        self._slow_s = slow_s
        self._well_formed = well_formed
        self._new_ids = _new_ids()

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Name the request."""
        given = req.get_header(REQUEST_ID_HEADER)
        request_id = given if given and self._well_formed.fullmatch(given) else next(self._new_ids)
        req.context.request_id = request_id
        req.context.started = time.perf_counter()
        resp.set_header(REQUEST_ID_HEADER, request_id)
        resp.set_headers(_FOR_BROWSERS)
        structlog.contextvars.bind_contextvars(request_id=request_id)

    async def process_response(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Count and time what was answered, by resource: paths hold ids, and would make a name each."""
        took_s = time.perf_counter() - req.context.started
        topic = "none" if resource is None else type(resource).__name__.removesuffix("Resource").lower()
        route = f"{topic}.{req.method.lower() if req.method in _METHODS else 'other'}"
        self._metrics.count(f"{self._service}.requests.{route}.{resp.status_code // 100}xx")
        self._metrics.timing(f"{self._service}.latency.{route}", took_s * 1000)
        level = logging.WARNING if took_s >= self._slow_s else logging.DEBUG
        log = _log.bind()  # the lazy one makes a new logger at each look at it
        if log.is_enabled_for(level):
            log.log(
                level,
                "request",
                method=req.method,
                path=shown_path(req.path),
                status=resp.status_code,
                took_ms=round(took_s * 1000, 2),
            )
        # A connection may go on with other requests in the same context.
        structlog.contextvars.unbind_contextvars("request_id")


def _new_ids() -> Iterator[str]:
    while True:
        digits = secrets.token_hex(8 * _IDS_AT_ONCE)
        yield from (digits[at : at + 16] for at in range(0, len(digits), 16))
