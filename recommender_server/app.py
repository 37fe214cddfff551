"""The recommender's HTTP API as a Falcon ASGI app."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import falcon.asgi

from recommender_server import problems
from recommender_server.access import ApiKeys
from recommender_server.middleware import Access, Lifespan, Requests
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
from streamrec.domain.diversity import Shape
from streamrec.domain.likeness import LikeOrder
from streamrec.ports import DocumentStore, EventSink, HotCache, ItemIndex, Metrics
from streamrec.serving.catalog import Catalog
from streamrec.serving.composition import Serving, ServingLimits, serving_over
from streamrec.serving.intake import EventIntake
from streamrec.serving.readiness import Readiness


@dataclass(frozen=True)
class Parts:
    """What the app rests on."""

    store: DocumentStore
    cache: HotCache
    index: ItemIndex
    sink: EventSink
    metrics: Metrics


class Rules(NamedTuple):
    """How the app treats requests; without `keys` everybody may use it.

    Attributes
    ----------
    shape
        Of lists for which a request names none.
    like_order
        The same, of what is like an item.
    """

    limits: ServingLimits = ServingLimits()
    max_body_bytes: int = 1_000_000
    keys: ApiKeys | None = None
    slow_request_s: float = 0.5
    shape: Shape = Shape()
    like_order: LikeOrder = LikeOrder()


class RawPathApp(falcon.asgi.App[Any, Any]):
    """Routes on the path as it was sent, so that an id may hold a slash (``%2F``); resources decode ids."""

    async def __call__(  # type: ignore[override]  # Falcon types its own protocol of scopes
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan":
            send = _without_traceback(send)
        raw_path = scope.get("raw_path")
        if raw_path is not None:
            # Some servers leave the query string on it.
            scope["path"] = raw_path.partition(b"?")[0].decode("latin-1")
        await super().__call__(scope, receive, send)


def _without_traceback(send: Callable[[dict[str, Any]], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Keep Falcon's stack trace of a failed start from the server's log: the reason stands there already."""

    async def send_briefly(message: dict[str, Any]) -> None:
        await send({"type": message["type"]})

    return send_briefly


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
    catalog = Catalog(parts.store, serving.items, parts.sink)
    readiness = _readiness_of(parts)
    closers = [readiness.aclose, serving.items.aclose, serving.blend.aclose, *on_shutdown]
    middleware: list[Any] = [Requests(parts.metrics, rules.slow_request_s), Lifespan(readiness, closers)]
    if rules.keys is not None:
        middleware.append(Access(rules.keys))
    app = RawPathApp(middleware=middleware)
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
    app.add_route("/v1/events", events.Events(EventIntake(parts.sink), size))
    app.add_route("/v1/items", items.Items(catalog, size))
    app.add_route("/v1/items/{item_id}", items.Item(catalog, size))
    app.add_route("/v1/items/{item_id}/similar", similar.Similar(serving.similar, catalog, rules.like_order))
    app.add_route("/v1/items/{item_id}/history", history.History(serving.history, catalog))
    app.add_route("/v1/users", users.Users(catalog))
    app.add_route("/v1/users/{user_id}", users.User(catalog, size))
    app.add_route("/v1/users/{user_id}/similar", users.SimilarUsers(serving.similar_users))
    app.add_route("/health/live", health.Live())
    app.add_route("/openapi.json", documents.OpenApi())
    app.add_route("/docs", documents.Docs())
