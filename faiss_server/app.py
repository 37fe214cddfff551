"""The service as a WSGI application."""

from typing import NamedTuple
from wsgiref.types import WSGIApplication

import falcon

from faiss_server.generations import Generations
from faiss_server.resources import SearchResource, SimilarItemsResource, SimilarUsersResource
from faiss_server.state_resources import ReadyResource, StatsResource
from faiss_server.vectors_resource import VectorsResource
from streamrec.index_protocol import CONTENT_TYPE, SEARCH_PATH, VECTORS_PATH
from streamrec.ports import Metrics
from streamrec.web import problems
from streamrec.web.bodies import JSON, BodyReader
from streamrec.web.health import Live
from streamrec.web.paths import on_raw_path
from streamrec.web.requests import JOINED_IDS, Requests


class Rules(NamedTuple):
    """Bounds of what the application takes and logs.

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
    requests = Requests("index", metrics, rules.slow_request_s, JOINED_IDS)
    app = falcon.App(media_type=falcon.MEDIA_JSON, middleware=[requests])
    problems.install(app)
    reader = BodyReader(rules.max_body_bytes, (JSON, CONTENT_TYPE))
    app.add_route(SEARCH_PATH, SearchResource(generations, metrics, reader))
    app.add_route(VECTORS_PATH, VectorsResource(generations, reader))
    app.add_route("/v1/items/{id_}/similar", SimilarItemsResource(generations, metrics))
    app.add_route("/v1/users/{id_}/similar", SimilarUsersResource(generations, metrics))
    app.add_route("/v1/stats", StatsResource(generations))
    app.add_route("/health/live", Live())
    app.add_route("/health/ready", ReadyResource(generations))
    return on_raw_path(app)
