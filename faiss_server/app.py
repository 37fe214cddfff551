"""The service as a Falcon ASGI app."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

import falcon.asgi

from faiss_server.access import IndexAccess
from faiss_server.answers import Searches
from faiss_server.generations import Generations
from faiss_server.resources.search import SearchResource, SimilarItemsResource, SimilarUsersResource
from faiss_server.resources.state import ReadyResource, StatsResource
from faiss_server.resources.vectors import VectorsResource
from streamrec.index_protocol import CONTENT_TYPE, SEARCH_PATH, VECTORS_PATH
from streamrec.ports import Metrics
from streamrec.web import problems
from streamrec.web.api_keys import ApiKeys
from streamrec.web.bodies import JSON, BodyReader
from streamrec.web.health import Live
from streamrec.web.paths import RawPathApp
from streamrec.web.requests import JOINED_IDS, Requests


class Rules(NamedTuple):
    """Bounds of what the application takes and logs.

    Attributes
    ----------
    max_body_bytes
        By default room for 1,000 queries with hundreds of exclusions each.
    slow_request_s
        From how many seconds on a request is logged as slow.
    keys
        Keys that open it; None: it is open.
    """

    max_body_bytes: int = 16_000_000
    slow_request_s: float = 0.5
    keys: ApiKeys | None = None


_RULES = Rules()


class _Closing:
    def __init__(self, closers: Iterable[Callable[[], Awaitable[None]]]) -> None:
        self._closers = tuple(closers)

    async def process_shutdown(self, scope: dict[str, Any], event: Mapping[str, Any]) -> None:
        for close in self._closers:
            await close()


def create_app(
    generations: Generations,
    metrics: Metrics,
    rules: Rules = _RULES,
    on_shutdown: Iterable[Callable[[], Awaitable[None]]] = (),
) -> falcon.asgi.App[Any, Any]:
    """Return the app that searches `generations`.

    Parameters
    ----------
    on_shutdown
        Called in order once the last request is answered.
    """
    requests = Requests("index", metrics, rules.slow_request_s, JOINED_IDS)
    access = [] if rules.keys is None else [IndexAccess(rules.keys)]
    app = RawPathApp(middleware=[requests, _Closing(on_shutdown), *access])
    problems.install(app)
    reader, searches = BodyReader(rules.max_body_bytes, (JSON, CONTENT_TYPE)), Searches()
    app.add_route(SEARCH_PATH, SearchResource(generations, metrics, reader, searches))
    app.add_route(VECTORS_PATH, VectorsResource(generations, reader))
    app.add_route("/v1/items/{id_}/similar", SimilarItemsResource(generations, metrics, searches))
    app.add_route("/v1/users/{id_}/similar", SimilarUsersResource(generations, metrics, searches))
    app.add_route("/v1/stats", StatsResource(generations))
    app.add_route("/health/live", Live())
    app.add_route("/health/ready", ReadyResource(generations))
    return app
