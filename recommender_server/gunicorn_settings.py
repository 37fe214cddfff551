"""Settings of gunicorn for the service; flags on its command line win over this.

``gunicorn -c python:recommender_server.gunicorn_settings``
"""

import streamrec.settings.one_thread  # noqa: F401, I001  # before numpy
from streamrec.web import gunicorn

wsgi_app = "recommender_server.asgi:app"
bind = ["127.0.0.1:8000"]

worker_class = gunicorn.WORKER_CLASS
workers = 1

keepalive = gunicorn.KEEPALIVE_S
graceful_timeout = gunicorn.GRACEFUL_TIMEOUT_S
control_socket_disable = gunicorn.CONTROL_SOCKET_DISABLE
logconfig_dict = gunicorn.logging_of("recommender")
when_ready = gunicorn.guarded("recommender", "api_keys_file")
post_fork = gunicorn.post_fork
post_worker_init = gunicorn.post_worker_init
