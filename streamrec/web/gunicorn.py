"""Settings of gunicorn that both services have, each with its reason."""

import ctypes
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from gunicorn.arbiter import Arbiter

from streamrec.errors import ConfigurationError
from streamrec.settings.access import KeysOf
from streamrec.settings.garbage import do_not_look_yet, look_beside_answers
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging, logging_config

WORKER_CLASS = "streamrec.web.worker.Worker"
"""uvloop and httptools: see docs/adr/0004-recommender-server.md for the other workers' figures."""

KEEPALIVE_S = 75
"""Clients keep their connections open; a close between two requests would look like a failure to them."""

GRACEFUL_TIMEOUT_S = 3

_LOOK_INTERVAL_S = 1.0

_MOST_FILES = 65_536

_PR_SET_PDEATHSIG = 1
"""Of Linux: the signal that a process gets at its parent's end."""

CONTROL_SOCKET_DISABLE = True
"""By default every gunicorn of a user opens the same socket in the home folder."""


def logging_of(service: str) -> dict[str, Any]:
    """Return how the service logs; end the process with one line where a setting is wrong."""
    try:
        return logging_config(read_settings(LocationSettings).log_level, service)
    except ConfigurationError as error:
        sys.exit(f"error: {error}")


class _Worker(Protocol):
    ppid: int


class _Listener(Protocol):
    sock: socket.socket


class _Server(Protocol):
    LISTENERS: list[_Listener]
    address: list[object]


def guarded(service: str, keys_of: KeysOf) -> Callable[[_Server], None]:
    """Return the hook that ends a service before it answers, where anybody could use it from elsewhere.

    The listeners are looked at: an address may come of the command line, the environment, a file or systemd.

    Parameters
    ----------
    service
        Name in the log.
    """

    def when_ready(server: _Server) -> None:
        # With --reuse-port the workers bind by themselves, later.
        bound = [one.sock.getsockname() for one in server.LISTENERS] or server.address
        # A Unix socket, whose address is no pair, is a file with rights of its own.
        hosts = [address[0] for address in bound if isinstance(address, tuple)]
        try:
            read_settings(LocationSettings).check(keys_of, hosts)
        except ConfigurationError as error:
            configure_logging("INFO", service)
            structlog.get_logger().critical("refused", error=str(error))
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    return when_ready


def post_fork(_server: object, _worker: _Worker) -> None:
    """Keep the collector off what the imports make."""
    do_not_look_yet()


def post_worker_init(worker: _Worker) -> None:
    """Keep the collector off what stays, let many connect, and no worker outlive its master."""
    look_beside_answers()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A connection has a file descriptor; 1,024, as is usual, are soon held by those who only wait.
    resource.setrlimit(resource.RLIMIT_NOFILE, (_bounded(most), most))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_end_with_master, args=(worker.ppid,), name="master", daemon=True).start()


def _bounded(most: int) -> int:
    """Return as many file descriptors as are allowed and of use."""
    return _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)


def _end_with_master(master: int) -> None:
    """End this worker when gunicorn was killed, where the kernel does not: it would keep the port."""
    while os.getppid() == master:
        time.sleep(_LOOK_INTERVAL_S)
    os.kill(os.getpid(), signal.SIGTERM)
