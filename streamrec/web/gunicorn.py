"""Settings of gunicorn that both services have, each with its reason."""

import sys
from typing import Any

from streamrec.errors import ConfigurationError
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import logging_config

KEEPALIVE_S = 75
"""Clients keep their connections open; a close between two requests would look like a failure to them."""

GRACEFUL_TIMEOUT_S = 3

CONTROL_SOCKET_DISABLE = True
"""By default every gunicorn of a user opens the same socket in the home folder."""


def logging_of(service: str) -> dict[str, Any]:
    """Return how the service logs; end the process with one line where a setting is wrong."""
    try:
        return logging_config(read_settings(LocationSettings).log_level, service)
    except ConfigurationError as error:
        sys.exit(f"error: {error}")
