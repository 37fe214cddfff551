"""The service as a WSGI application."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import falcon
import msgspec

from faiss_server.generations import Generations
from faiss_server.middleware import Requests
from faiss_server.resources import SearchResource, SimilarItemsResource
from faiss_server.state_resources import LiveResource, ReadyResource, StatsResource
from faiss_server.users_resource import SimilarUsersResource
from faiss_server.vectors_resource import VectorsResource
from streamrec.errors import InvalidInput, Unavailable, UnknownId
from streamrec.index_protocol import SEARCH_PATH, VECTORS_PATH
from streamrec.ports import Metrics

_PROBLEM_JSON = "application/problem+json"
_RETRY_AFTER_S = 1


class Rules(NamedTuple):
    """How the application treats requests.

    Attributes
    ----------
    max_body_bytes
        By default room for 1,000 queries with hundreds of exclusions each.
    slow_request_s
        From how many seconds on a request is logged as slow.
    """

    max_body_bytes: int = 16_000_000
    slow_request_s: float = 0.5


_RULES = Rules()


def create_app(generations: Generations, metrics: Metrics, rules: Rules = _RULES) -> WSGIApplication:
    """Return the application that searches `generations`."""
    app = falcon.App(media_type=falcon.MEDIA_JSON, middleware=[Requests(metrics, rules.slow_request_s)])
    app.set_error_serializer(_write_problem)
    app.add_error_handler(InvalidInput, _refuse)
    app.add_error_handler(UnknownId, _not_found)
    app.add_error_handler(Unavailable, _unavailable)
    app.add_route(SEARCH_PATH, SearchResource(generations, metrics, rules.max_body_bytes))
    app.add_route(VECTORS_PATH, VectorsResource(generations, rules.max_body_bytes))
    app.add_route("/v1/items/{item_id}/similar", SimilarItemsResource(generations, metrics))
    app.add_route("/v1/users/{user_id}/similar", SimilarUsersResource(generations, metrics))
    app.add_route("/v1/stats", StatsResource(generations))
    app.add_route("/health/live", LiveResource())
    app.add_route("/health/ready", ReadyResource(generations))
    return _head_as_get(_route_on_raw_path(app))


def _head_as_get(app: WSGIApplication) -> WSGIApplication:
    """Answer HEAD as GET without the body (RFC 9110, section 9.3.2)."""

    def with_head(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "HEAD":
            return app(environ, start_response)
        app({**environ, "REQUEST_METHOD": "GET"}, start_response)
        return ()

    return with_head


def _route_on_raw_path(app: WSGIApplication) -> WSGIApplication:
    """Show the application the path as it was sent.

    WSGI servers decode the path, after which a slash in an id can't be told from one that divides. The
    resources decode each part themselves, once.
    """

    def with_raw_path(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raw = environ.get("RAW_URI")
        if raw:
            environ["PATH_INFO"] = urlsplit(raw).path if "://" in raw else raw.partition("?")[0]
        return app(environ, start_response)

    return with_raw_path


def _write_problem(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
    """Write an error as RFC 9457 wants it."""
    status = HTTPStatus(error.status_code)
    problem: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": status}
    if error.description:
        problem["detail"] = error.description
    resp.data = msgspec.json.encode(problem)
    resp.content_type = _PROBLEM_JSON


def _refuse(req: falcon.Request, resp: falcon.Response, error: Exception, params: dict[str, Any]) -> NoReturn:
    raise falcon.HTTPBadRequest(description=str(error)) from error


def _not_found(
    req: falcon.Request, resp: falcon.Response, error: Exception, params: dict[str, Any]
) -> NoReturn:
    raise falcon.HTTPNotFound(description=str(error)) from error


def _unavailable(
    req: falcon.Request, resp: falcon.Response, error: Exception, params: dict[str, Any]
) -> NoReturn:
    raise falcon.HTTPServiceUnavailable(description=str(error), retry_after=_RETRY_AFTER_S) from error
