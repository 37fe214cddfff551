"""Settings of gunicorn for the service; flags on its command line win over this.

``gunicorn -c python:recommender_server.gunicorn_settings``
"""

import gc
import os
import signal
import threading
import time
from typing import Protocol

from streamrec.web import gunicorn

wsgi_app = "recommender_server.asgi:app"
bind = ["127.0.0.1:8000"]

# uvloop and httptools: see docs/adr/0004-recommender-server.md for the other worker's figures.
worker_class = "uvicorn_worker.UvicornWorker"
workers = 1

keepalive = gunicorn.KEEPALIVE_S
graceful_timeout = gunicorn.GRACEFUL_TIMEOUT_S
control_socket_disable = gunicorn.CONTROL_SOCKET_DISABLE
logconfig_dict = gunicorn.logging_of("recommender")


_LOOK_INTERVAL_S = 1.0


class _Worker(Protocol):
    ppid: int


def post_worker_init(worker: _Worker) -> None:
    """Keep the collector off what the imports made: going through it takes tens of milliseconds."""
    gc.collect()
    gc.freeze()
    threading.Thread(target=_end_with_master, args=(worker.ppid,), name="master", daemon=True).start()


def _end_with_master(master: int) -> None:
    """End this worker when gunicorn was killed: else it keeps the port, and the next gunicorn can't start."""
    while os.getppid() == master:
        time.sleep(_LOOK_INTERVAL_S)
    os.kill(os.getpid(), signal.SIGTERM)
