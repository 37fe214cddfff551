"""The service's composition root: settings -> snapshot, logs, threads, application.

Run by ``gunicorn -c python:faiss_server.gunicorn_settings``.
"""

import time
from wsgiref.types import WSGIApplication

from faiss_server.app import Rules, create_app
from faiss_server.background import Repeated
from faiss_server.generations import Generations
from faiss_server.loader import GenerationLoader
from streamrec.adapters.open_event_source import open_event_source
from streamrec.adapters.statsd_metrics import open_metrics
from streamrec.ports import COMMANDS, EventSource
from streamrec.settings import PlaceSettings
from streamrec.telemetry import configure_logging

_CURRENT_INTERVAL_S = 0.5
_MAINTENANCE_INTERVAL_S = 1.0


def _compose(places: PlaceSettings) -> WSGIApplication:
    configure_logging(places.log_level, service="index")

    def open_source(topic: str) -> EventSource:
        url = places.events_url if topic == COMMANDS else places.vectors_url
        return open_event_source(url, topics=[topic], group="index")

    generations = Generations()
    metrics = open_metrics(places.statsd_url)
    loader = GenerationLoader(places.artifacts_dir, generations, open_source, metrics, time.time)
    Repeated("load", loader.step, _CURRENT_INTERVAL_S, on_problem=generations.note_problem)
    Repeated("maintain", loader.maintain, _MAINTENANCE_INTERVAL_S)
    return create_app(generations, metrics, Rules(slow_request_s=places.slow_request_s))


app = _compose(PlaceSettings())
