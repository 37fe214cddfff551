"""The service's composition root: settings -> snapshot, logs, threads, application.

Run by ``gunicorn -c python:faiss_server.gunicorn_settings``.
"""

import asyncio
from typing import Any

import falcon.asgi

from faiss_server.app import Rules, create_app
from faiss_server.background import end_service
from faiss_server.following import Following
from streamrec.adapters.statsd.metrics import StatsdMetrics, open_metrics
from streamrec.errors import ConfigurationError
from streamrec.settings.processes import IndexSettings, LocationSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging
from streamrec.web.api_keys import ApiKeys


def _compose(locations: LocationSettings, settings: IndexSettings) -> falcon.asgi.App[Any, Any]:
    configure_logging(locations.log_level, service="index")
    metrics = open_metrics(locations.statsd_url)
    following = Following(locations, settings, metrics)

    async def close_metrics() -> None:
        # Uvicorn ends its process by the signal that it got: nothing that runs at exit would send the last.
        if isinstance(metrics, StatsdMetrics):
            await asyncio.to_thread(metrics.close)

    file = locations.index_keys_file
    keys = None if file is None else ApiKeys(file, metrics, "index")
    rules = Rules(slow_request_s=locations.slow_request_s, keys=keys)
    return create_app(following.generations, metrics, rules, on_shutdown=[close_metrics])


def _start() -> falcon.asgi.App[Any, Any]:
    try:
        return _compose(read_settings(LocationSettings), read_settings(IndexSettings))
    except ConfigurationError as error:
        end_service(error)


app = _start()
