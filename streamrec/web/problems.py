"""Errors as problem details (RFC 9457): the one module that maps our errors to HTTP."""

import math
from http import HTTPStatus
from typing import Any, NoReturn

import falcon
import falcon.asgi
import msgspec
import structlog

from streamrec.errors import Conflict, InvalidEvent, InvalidInput, Overloaded, StreamrecError, UnknownId
from streamrec.redaction import shown_path, without_user

PROBLEM_JSON = "application/problem+json"

_RETRY_AFTER_S = 1
"""A part that did not answer in time is left alone for as long."""

_log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Problem details (RFC 9457)."""

    title: str
    status: int
    detail: str | None = None
    request_id: str | None = None


def install(app: falcon.asgi.App[Any, Any]) -> None:
    """Let an app answer every error with problem details."""
    app.set_error_serializer(_serialize)
    app.add_error_handler(StreamrecError, _on_streamrec_error)
    app.add_error_handler(Exception, _on_bug)


def problem_of(error: StreamrecError) -> falcon.HTTPError:
    """Return the HTTP error that says the same.

    >>> problem_of(UnknownId("there is no item 'x'")).status
    '404 Not Found'
    """
    message = str(error)
    if isinstance(error, InvalidEvent):
        return falcon.HTTPUnprocessableEntity(description=message)
    if isinstance(error, InvalidInput):
        return falcon.HTTPBadRequest(description=message)
    if isinstance(error, Conflict):
        return falcon.HTTPConflict(description=message)
    if isinstance(error, UnknownId):
        return falcon.HTTPNotFound(description=message)
    if isinstance(error, Overloaded):
        retry_after_s = math.ceil(error.retry_after_s)
        return falcon.HTTPTooManyRequests(description=message, retry_after=retry_after_s)
    retry_after = _RETRY_AFTER_S if error.retriable else None
    return falcon.HTTPServiceUnavailable(description=message, retry_after=retry_after)


def _serialize(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
    status = falcon.http_status_to_code(error.status)
    # Falcon's titles repeat the number unless somebody gave a better one.
    title = error.title.removeprefix(f"{status} ") if error.title else HTTPStatus(status).phrase
    resp.data = _encode(Problem(title, status, error.description, getattr(req.context, "request_id", None)))
    resp.content_type = PROBLEM_JSON
    detail = without_user(error.description or "", req.path)
    _log.info("problem", status=status, detail=detail, method=req.method, path=shown_path(req.path))


async def _on_streamrec_error(
    _req: falcon.asgi.Request, _resp: falcon.asgi.Response, error: StreamrecError, _params: dict[str, Any]
) -> NoReturn:
    raise problem_of(error) from error


async def _on_bug(
    req: falcon.asgi.Request, _resp: falcon.asgi.Response, error: Exception, _params: dict[str, Any]
) -> NoReturn:
    _log.error("bug", method=req.method, path=shown_path(req.path), exc_info=error)
    raise falcon.HTTPInternalServerError(description="the server failed; its log says how") from error
