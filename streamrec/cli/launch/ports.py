"""Ports of this machine: whether they are free, and what to do where they are not."""

import errno
import socket
from typing import NamedTuple

from streamrec.errors import ConfigurationError

_REASONS = {
    errno.EADDRINUSE: "something else listens there: stop it",
    errno.EACCES: "this user may not listen on ports below 1024",
}


class Listener(NamedTuple):
    """A port that one of the services is to have.

    Attributes
    ----------
    another
        What people write to choose the next port.
    """

    port: int
    service: str
    another: str
    bind: str = "127.0.0.1"


def check_port(listener: Listener) -> None:
    """Make sure that a port is free.

    Raises
    ------
    ConfigurationError
        When it is not; says why, and what chooses another.
    """
    family = socket.AF_INET6 if ":" in listener.bind else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            probe.bind((listener.bind.strip("[]"), listener.port))
    except OSError as error:
        if error.errno not in _REASONS:
            reason = f"{listener.bind!r} is no address of this machine: {error.strerror or error}"
            raise ConfigurationError(f"the {listener.service} can't listen: {reason}") from error
        where = f"port {listener.port}" + ("" if listener.bind == "127.0.0.1" else f" of {listener.bind}")
        raise ConfigurationError(
            f"{where} of the {listener.service} can't be used: {_REASONS[error.errno]}, or choose another"
            f" one: {listener.another}"
        ) from error
