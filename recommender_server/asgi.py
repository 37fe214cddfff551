"""The process: settings become adapters, adapters become the app.

Run by ``gunicorn -c python:recommender_server.gunicorn_settings``; it listens on 127.0.0.1:8000 unless it is
told otherwise with ``--bind``.
"""

import asyncio
import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import falcon.asgi
import structlog
from gunicorn.arbiter import Arbiter

from recommender_server.app import Parts, Rules, create_app
from recommender_server.own_data.live import live_model
from recommender_server.own_data.own_files import Tools
from streamrec.adapters.opening import open_cache, open_event_sink, open_index, open_store
from streamrec.adapters.statsd.metrics import StatsdMetrics, open_metrics
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.errors import ConfigurationError, StreamrecError
from streamrec.ports import ItemIndex, Metrics
from streamrec.serving.composition import ServingLimits
from streamrec.serving.experiments.experimenting import ExposureRules
from streamrec.serving.sources.near_rankings import TOO_OLD_S
from streamrec.serving.sources.warm_up import warm_up
from streamrec.settings.attribution import AttributionSettings
from streamrec.settings.processes import ExposureSettings, IndexSettings, LocationSettings, ServerSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging
from streamrec.web.api_keys import ApiKeys
from streamrec.web.rates import RateLimit

_MODULES_OF_COMMANDS = ("typer", "pyarrow", "torch")
"""The images of the services do without them."""


class ClosableIndex(ItemIndex, Protocol):
    """Index that is ours to close."""

    async def close(self) -> None:
        """Release what it holds."""


def compose(locations: LocationSettings, settings: ServerSettings) -> falcon.asgi.App[Any, Any]:
    """Return the app over the adapters that the settings name.

    Raises
    ------
    ConfigurationError
        When a setting names nothing that we know.
    Unavailable
        When a store does not answer at the start.
    """
    store = open_store(locations.store_url)
    cache = open_cache(locations.cache_url)
    sink = open_event_sink(locations.events_url)
    metrics = open_metrics(locations.statsd_url)
    index = _index_of(locations, settings, metrics)

    async def close_the_rest() -> None:
        await asyncio.to_thread(sink.close)
        # Uvicorn ends its process by the signal that it got: nothing that runs at exit would send the last.
        if isinstance(metrics, StatsdMetrics):
            await asyncio.to_thread(metrics.close)

    parts = Parts(store, cache, index, sink, metrics)
    exposures = read_settings(ExposureSettings)
    rules = Rules(
        ServingLimits(
            settings.timeout_s,
            settings.n_seen_excluded,
            settings.exploration_share,
            settings.exploration_by,
            ranking_age_s=TOO_OLD_S,
            purchase_types=read_settings(AttributionSettings).purchase_types,
        ),
        max_body_bytes=settings.max_body_bytes,
        keys=_keys_in(locations.api_keys_file, metrics),
        admin_keys=_keys_in(locations.admin_keys_file, metrics),
        slow_request_s=locations.slow_request_s,
        shape=Shape(settings.diversity, settings.max_per_category),
        like_order=LikeOrder(settings.similar_order, settings.similar_value_attribute),
        root_path=settings.root_path,
        cors_origins=tuple(settings.cors_origins),
        own_data=_tools(locations, settings),
        exposures=ExposureRules(exposures.exposures, exposures.exposures_wait_s),
        rate_of_addresses=_limit(settings.rate_per_address, settings.rate_burst_s),
        rate_of_keys=_limit(settings.rate_per_key, settings.rate_burst_s),
    )
    return create_app(parts, rules, on_shutdown=[index.close, cache.aclose, store.aclose, close_the_rest])


def _tools(locations: LocationSettings, settings: ServerSettings) -> Tools:
    """Return what looks at uploaded files and learns them: commands, started when they are needed."""
    return Tools(
        settings.uploads_dir,
        command=[sys.executable, "-m", "streamrec", "own-data"],
        missing=[name for name in _MODULES_OF_COMMANDS if find_spec(name) is None],
        read_live=partial(live_model, locations.artifacts_dir),
        max_bytes=settings.max_upload_bytes,
    )


def _keys_in(path: Path | None, metrics: Metrics) -> ApiKeys | None:
    return None if path is None else ApiKeys(path, metrics)


def _limit(rate: float, burst_s: float) -> RateLimit | None:
    return RateLimit(rate, burst_s) if rate else None


def _index_of(locations: LocationSettings, settings: ServerSettings, metrics: Metrics) -> ClosableIndex:
    """Return the index service, or an index in this process, whose code is loaded for that alone."""
    if not locations.is_index_in_process:
        return open_index(locations.index_url, settings.timeout_s, locations.index_keys_file)
    try:
        in_process = import_module("faiss_server.in_process")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"STREAMREC_INDEX_URL is {locations.index_url}, and this installation has no {error.name}: "
            "install requirements.txt, or name an index service"
        ) from error
    opened: ClosableIndex = in_process.open_index(locations, read_settings(IndexSettings), metrics)
    return opened


def _start() -> falcon.asgi.App[Any, Any]:
    try:
        locations = read_settings(LocationSettings)
        configure_logging(locations.log_level, "recommender")
        warm_up()
        return compose(locations, read_settings(ServerSettings))
    except StreamrecError as error:
        structlog.get_logger().critical("refused", error=str(error))
        sys.exit(Arbiter.WORKER_BOOT_ERROR)  # which ends gunicorn too, instead of another worker


app = _start()
