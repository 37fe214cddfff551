"""The recommender's HTTP API as a Falcon ASGI app."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import falcon
import falcon.asgi

from recommender_server.access import ApiKeys
from recommender_server.middleware import Access, Lifespan
from recommender_server.resources import (
    documents,
    events,
    health,
    history,
    items,
    recommendations,
    similar,
    users,
)
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.ports import DocumentStore, EventSink, HotCache, ItemIndex, Metrics
from streamrec.serving.catalog import Catalog
from streamrec.serving.composition import Serving, ServingLimits, serving_over
from streamrec.serving.intake import EventIntake
from streamrec.serving.readiness import Readiness
from streamrec.web import problems
from streamrec.web.health import Live
from streamrec.web.paths import RawPathApp
from streamrec.web.requests import Requests


@dataclass(frozen=True)
class Parts:
    """Stores, log, index and metrics that the app rests on."""

    store: DocumentStore
    cache: HotCache
    index: ItemIndex
    sink: EventSink
    metrics: Metrics


class Rules(NamedTuple):
    """Bounds and defaults of requests; without `keys` everybody may use it.

    Attributes
    ----------
    shape
        Of lists for which a request names none.
    like_order
        The same, of what is like an item.
    root_path
        Prefix that a proxy leaves before the paths.
    cors_origins
        Origins whose pages a browser lets use the API.
    """

    limits: ServingLimits = ServingLimits()
    max_body_bytes: int = 1_000_000
    keys: ApiKeys | None = None
    slow_request_s: float = 0.5
    shape: Shape = Shape()
    like_order: LikeOrder = LikeOrder()
    root_path: str = ""
    cors_origins: tuple[str, ...] = ()


def create_app(
    parts: Parts, rules: Rules, on_shutdown: Iterable[Callable[[], Awaitable[None]]] = ()
) -> falcon.asgi.App[Any, Any]:
    """Return the app over these parts.

    Parameters
    ----------
    on_shutdown
        Called in order once the last request is answered.
    """
    serving = serving_over(parts.store, parts.cache, parts.index, parts.metrics, rules.limits)
    catalog = Catalog(parts.store, serving.items, parts.sink, serving.accepted)
    readiness = _readiness_of(parts)
    closers = [readiness.aclose, serving.aclose, *on_shutdown]
    requests = Requests("recommender", parts.metrics, rules.slow_request_s)
    middleware: list[Any] = [requests, Lifespan(readiness, closers)]
    if rules.cors_origins:
        # Before the keys are asked for: a refusal without these headers would be hidden from the page.
        origins = "*" if "*" in rules.cors_origins else rules.cors_origins
        middleware.append(falcon.CORSMiddleware(origins, expose_headers=["X-Request-ID"]))
    if rules.keys is not None:
        middleware.append(Access(rules.keys, is_open_to_browsers=bool(rules.cors_origins)))
    app = RawPathApp(rules.root_path, middleware=middleware)
    problems.install(app)
    app.add_route("/health/ready", health.Ready(readiness))
    _route(app, parts, rules, serving, catalog)
    return app


def _readiness_of(parts: Parts) -> Readiness:
    async def check_log() -> None:
        await asyncio.to_thread(parts.sink.check)

    return Readiness(
        {
            "store": parts.store.check,
            "cache": parts.cache.check,
            "index": parts.index.check,
            "events": check_log,
        }
    )


def _route(
    app: falcon.asgi.App[Any, Any], parts: Parts, rules: Rules, serving: Serving, catalog: Catalog
) -> None:
    size = rules.max_body_bytes
    app.add_route(
        "/v1/recommendations",
        recommendations.Recommendations(serving.recommender, rules.shape, rules.like_order),
    )
    app.add_route("/v1/popular", recommendations.Popular(serving.recommender))
    intake = EventIntake(parts.sink, serving.accepted, serving.blend.weights)
    app.add_route("/v1/events", events.Events(intake, size))
    app.add_route("/v1/items", items.Items(catalog, size))
    app.add_route("/v1/items/{item_id}", items.Item(catalog, size))
    app.add_route("/v1/items/{item_id}/similar", similar.Similar(serving.similar, catalog, rules.like_order))
    app.add_route("/v1/items/{item_id}/history", history.History(serving.history, catalog))
    app.add_route("/v1/users", users.Users(catalog))
    app.add_route("/v1/users/{user_id}", users.User(catalog, size))
    app.add_route("/v1/users/{user_id}/similar", users.SimilarUsers(serving.similar_users))
    app.add_route("/health/live", Live())
    app.add_route("/openapi.json", documents.OpenApi(rules.root_path))
    app.add_route("/docs", documents.Docs())
