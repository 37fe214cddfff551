"""The service's composition root: settings -> snapshot, logs, threads, application.

Run by ``gunicorn -c python:faiss_server.gunicorn_settings``.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import falcon.asgi
import structlog

from faiss_server.app import Rules, create_app
from faiss_server.background import Repeated, end_service
from faiss_server.generations import Generations
from faiss_server.loader import GenerationLoader, OpenSource
from faiss_server.sources import sources_of
from streamrec.adapters.statsd.metrics import StatsdMetrics, open_metrics
from streamrec.errors import ConfigurationError, StreamrecError
from streamrec.ports import COMMANDS, ITEM_VECTORS, USER_VECTORS
from streamrec.settings.processes import IndexSettings, LocationSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging

_CURRENT_INTERVAL_S = 0.5
_MAINTENANCE_INTERVAL_S = 1.0


def _end_if_refused(open_source: OpenSource, topics: Sequence[str]) -> None:
    """End the service when a log refuses us: unlike one that is away, it will not come by waiting."""
    try:
        for topic in topics:
            source = open_source(topic)
            source.end_offsets()
            source.close()
    except ConfigurationError as error:
        end_service(error)
    except StreamrecError as error:
        structlog.get_logger().warning("waiting_for_a_part", part="changelog", error=str(error))


def _compose(locations: LocationSettings, settings: IndexSettings) -> falcon.asgi.App[Any, Any]:
    configure_logging(locations.log_level, service="index")
    metrics = open_metrics(locations.statsd_url)
    open_source = sources_of(locations, metrics)
    generations = Generations()
    loader = GenerationLoader(
        locations.artifacts_dir, generations, open_source, metrics, time.time, with_users=settings.users
    )

    def start() -> None:
        of_users = [USER_VECTORS] if settings.users else []
        _end_if_refused(open_source, [ITEM_VECTORS, *of_users, COMMANDS])
        Repeated("load", loader.step, _CURRENT_INTERVAL_S, on_problem=generations.note_problem)
        Repeated("maintain", loader.maintain, _MAINTENANCE_INTERVAL_S)

    # Beside the application: it answers that it lives, however long a log takes to answer us.
    threading.Thread(target=start, name="start", daemon=True).start()

    async def close_metrics() -> None:
        # Uvicorn ends its process by the signal that it got: nothing that runs at exit would send the last.
        if isinstance(metrics, StatsdMetrics):
            await asyncio.to_thread(metrics.close)

    rules = Rules(slow_request_s=locations.slow_request_s)
    return create_app(generations, metrics, rules, on_shutdown=[close_metrics])


def _start() -> falcon.asgi.App[Any, Any]:
    try:
        return _compose(read_settings(LocationSettings), read_settings(IndexSettings))
    except ConfigurationError as error:
        end_service(error)


app = _start()
