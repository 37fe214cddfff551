"""Settings of gunicorn for the service; flags on its command line win over this.

``gunicorn -c python:faiss_server.gunicorn_settings``
"""

import streamrec.settings.one_thread  # noqa: F401, I001  # before numpy
from streamrec.web import gunicorn

wsgi_app = "faiss_server.asgi:app"
bind = ["127.0.0.1:8100"]

# One process: each would hold the whole index. Faiss releases the interpreter's lock while it searches.
worker_class = gunicorn.WORKER_CLASS
workers = 1

keepalive = gunicorn.KEEPALIVE_S
graceful_timeout = gunicorn.GRACEFUL_TIMEOUT_S
control_socket_disable = gunicorn.CONTROL_SOCKET_DISABLE
logconfig_dict = gunicorn.logging_of("index")
when_ready = gunicorn.guarded("index", "index_keys_file")
post_fork = gunicorn.post_fork
post_worker_init = gunicorn.post_worker_init
