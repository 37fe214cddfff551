"""The recommender's HTTP API as a Falcon ASGI app."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import falcon
import falcon.asgi

from recommender_server.experiments import resources as experiments
from recommender_server.middleware import Access, Lifespan
from recommender_server.own_data import resources as own_data
from recommender_server.own_data.own_files import Tools
from recommender_server.rate_limits import RateLimits
from recommender_server.resources import (
    batch,
    documents,
    events,
    exposures,
    feeds,
    health,
    history,
    items,
    recommendations,
    similar,
    status,
    users,
)
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.domain.sources.feeds import LATEST, TRENDING
from streamrec.ports import DocumentStore, EventSink, HotCache, ItemIndex, Metrics
from streamrec.serving.catalog import Catalog
from streamrec.serving.composition import Serving, ServingLimits, serving_over
from streamrec.serving.experiments.composition import Experimenting, experimenting_over
from streamrec.serving.experiments.experimenting import ExposureRules
from streamrec.serving.intake import EventIntake
from streamrec.serving.readiness import Readiness
from streamrec.web import problems
from streamrec.web.api_keys import ApiKeys
from streamrec.web.health import Live
from streamrec.web.paths import RawPathApp
from streamrec.web.rates import RateLimit
from streamrec.web.requests import Requests
from streamrec.web.static_files import StaticFiles, add_pages

PAGES = "dashboard.static"
"""Folder of the files for browsers: they know the API by its HTTP alone."""


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

    With `admin_keys`, only they change items and erase users.

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
    own_data
        Tools for files that are uploaded; None: none are taken.
    exposures
        Lists that are written down.
    rate_of_addresses, rate_of_keys
        Limits of requests of each; None: there is none.
    """

    limits: ServingLimits = ServingLimits()
    max_body_bytes: int = 1_000_000
    keys: ApiKeys | None = None
    admin_keys: ApiKeys | None = None
    slow_request_s: float = 0.5
    shape: Shape = Shape()
    like_order: LikeOrder = LikeOrder()
    root_path: str = ""
    cors_origins: tuple[str, ...] = ()
    own_data: Tools | None = None
    exposures: ExposureRules = ExposureRules()
    rate_of_addresses: RateLimit | None = None
    rate_of_keys: RateLimit | None = None


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
    experimenting = experimenting_over(
        serving.usual, parts.store, parts.sink, parts.metrics, rules.limits.timeout_s, rules.exposures
    )
    catalog = Catalog(parts.store, serving.items, parts.sink, serving.accepted)
    readiness = _readiness_of(parts)
    own = own_data.OwnData(rules.own_data, rules.max_body_bytes)
    closers = [own.aclose, readiness.aclose, experimenting.aclose, serving.aclose, *on_shutdown]

    async def forget(user_id: str) -> None:
        experimenting.log.forget_user(user_id)
        await serving.exposures.forget_user(user_id)

    def start() -> None:
        serving.start()
        experimenting.start()

    middleware = _middleware(parts, rules, Lifespan(readiness, start, closers))
    app = RawPathApp(rules.root_path, middleware=middleware)
    problems.install(app)
    app.add_route("/health/ready", health.Ready(readiness))
    app.add_route("/v1/status", status.Status(serving.status, readiness))
    app.add_route("/v1/status/series", status.StatusSeries(serving.status))
    _route(app, parts, rules, serving, catalog)
    app.add_route("/v1/users/{user_id}", users.User(catalog, rules.max_body_bytes, forget))
    _route_experiments(app, rules, serving, experimenting)
    _route_own_data(app, own)
    return app


def _middleware(parts: Parts, rules: Rules, lifespan: Lifespan) -> list[Any]:
    middleware: list[Any] = [Requests("recommender", parts.metrics, rules.slow_request_s), lifespan]
    if rules.cors_origins:
        # Before the keys are asked for: a refusal without these headers would be hidden from the page.
        origins = "*" if "*" in rules.cors_origins else rules.cors_origins
        middleware.append(falcon.CORSMiddleware(origins, expose_headers=["X-Request-ID"]))
    if rules.rate_of_addresses is not None or rules.rate_of_keys is not None:
        middleware.append(RateLimits(rules.rate_of_addresses, rules.rate_of_keys, parts.metrics))
    if rules.keys is not None or rules.admin_keys is not None:
        is_open_to_browsers = bool(rules.cors_origins)
        middleware.append(Access(rules.keys, rules.admin_keys, is_open_to_browsers=is_open_to_browsers))
    return middleware


def _route_own_data(app: falcon.asgi.App[Any, Any], own: own_data.OwnData) -> None:
    app.add_route("/v1/own-data", own_data.State(own))
    app.add_route("/v1/own-data/files/{file}", own_data.File(own))
    app.add_route("/v1/own-data/inspection", own_data.Inspection(own))
    app.add_route("/v1/own-data/training", own_data.Training(own))


def _route_experiments(
    app: falcon.asgi.App[Any, Any], rules: Rules, serving: Serving, experimenting: Experimenting
) -> None:
    app.add_route(
        "/v1/recommendations",
        recommendations.Recommendations(
            experimenting.recommender, serving.batch_lists, rules.shape, rules.like_order, serving.exposures
        ),
    )
    editor = experimenting.editor
    app.add_route("/v1/experiments", experiments.Experiments(editor, experimenting.running))
    app.add_route("/v1/experiments/{experiment_id}", experiments.Experiment(editor, rules.max_body_bytes))
    app.add_route("/v1/experiments/{experiment_id}/ramp", experiments.Ramp(editor))
    app.add_route("/v1/experiments/{experiment_id}/stop", experiments.Stop(editor))


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
        "/v1/recommendations:batch",
        batch.Batch(serving.batch, rules.shape, rules.like_order, size, serving.exposures),
    )
    app.add_route("/v1/popular", feeds.Popular(serving.feeds))
    for feed in (TRENDING, LATEST):
        app.add_route(f"/v1/{feed}", feeds.Ranked(serving.feeds, feed))
    intake = EventIntake(parts.sink, serving.accepted, serving.blend.weights)
    app.add_route("/v1/events", events.Events(intake, size, serving.exposures))
    app.add_route("/v1/exposures", exposures.Journey(serving.journey_reader))
    app.add_route("/v1/items", items.Items(catalog, size))
    app.add_route("/v1/items/{item_id}", items.Item(catalog, size))
    app.add_route("/v1/items/{item_id}/similar", similar.Similar(serving.similar, catalog, rules.like_order))
    app.add_route("/v1/items/{item_id}/history", history.History(serving.history, catalog))
    app.add_route("/v1/items/{item_id}/exposures", exposures.ItemExposures(serving.exposure_reader, catalog))
    app.add_route("/v1/items/{item_id}/users", items.ItemUsers(catalog))
    app.add_route("/v1/users", users.Users(catalog))
    app.add_route("/v1/users/{user_id}/exposures", exposures.UserExposures(serving.step_reader, catalog))
    app.add_route("/v1/users/{user_id}/similar", users.SimilarUsers(serving.similar_users))
    app.add_route("/health/live", Live())
    app.add_route("/openapi.json", documents.OpenApi(rules.root_path))
    add_pages(app, StaticFiles(PAGES))
