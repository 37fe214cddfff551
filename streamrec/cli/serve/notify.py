"""Words to systemd, where it started us: as `sd_notify` says them."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Tell a state, such as ``READY=1``; nobody is told where nobody asked."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            # An @ stands for the NUL of an abstract address.
            connection.sendto(state.encode(), address.replace("@", "\0", 1))
