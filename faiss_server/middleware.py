"""What happens to every request: it is named, timed and counted."""

import re
import secrets
import time

import falcon
import structlog

from streamrec.index_protocol import REQUEST_ID_HEADER
from streamrec.ports import Metrics
from streamrec.redaction import shown_path

_REQUEST_IDS = re.compile(r"[A-Za-z0-9._:,-]{1,8000}")

_METHODS = frozenset({"GET", "POST"})

_log = structlog.get_logger()


class Requests:
    """Keeps the caller's request ids: one search carries the queries of several requests, and all their ids.

    They go into every line logged meanwhile, and back to the caller.

    Parameters
    ----------
    slow_s
        From how many seconds on a request is logged as slow; the others are at the level DEBUG only.
    """

    def __init__(self, metrics: Metrics, slow_s: float) -> None:
        self._metrics = metrics
        self._slow_s = slow_s

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Name the request."""
        given = req.get_header(REQUEST_ID_HEADER)
        request_id = given if given and _REQUEST_IDS.fullmatch(given) else secrets.token_hex(8)
        req.context.started = time.perf_counter()
        resp.set_header(REQUEST_ID_HEADER, request_id)
        resp.set_header("Cache-Control", "no-store")
        structlog.contextvars.bind_contextvars(request_id=request_id)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Count and time what was answered, by resource: paths hold ids, and would make a name each."""
        took_s = time.perf_counter() - req.context.started
        topic = type(resource).__name__.removesuffix("Resource").lower() if resource is not None else "none"
        route = f"{topic}.{req.method.lower() if req.method in _METHODS else 'other'}"
        self._metrics.count(f"index.requests.{route}.{resp.status_code // 100}xx")
        self._metrics.timing(f"index.latency.{route}", took_s * 1000)
        write = _log.warning if took_s >= self._slow_s else _log.debug
        write(
            "request",
            method=req.method,
            path=shown_path(req.path),
            status=resp.status_code,
            took_ms=round(took_s * 1000, 2),
        )
        # The thread goes on with other requests.
        structlog.contextvars.unbind_contextvars("request_id")
