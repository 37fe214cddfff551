"""Settings of gunicorn for the service; flags on its command line win over this."""

import sys

from streamrec.errors import ConfigurationError
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import logging_config

wsgi_app = "faiss_server.wsgi:app"
bind = ["127.0.0.1:8100"]

# One process: each would hold the whole index. Faiss releases the interpreter's lock while it searches.
worker_class = "gthread"
workers = 1
threads = 8

# The client keeps its connections open; a close between two requests would look like a failure to it.
keepalive = 75
graceful_timeout = 3

# By default every gunicorn of a user opens the same socket in the home folder.
control_socket_disable = True

try:
    logconfig_dict = logging_config(read_settings(LocationSettings).log_level, "index")
except ConfigurationError as error:
    sys.exit(f"error: {error}")
