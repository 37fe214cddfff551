"""Address of statsd: its name is resolved beside the work, at the start and now and then again."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

import structlog

from streamrec.errors import Unavailable

Address = tuple[socket.AddressFamily, tuple[Any, ...]]
"""Family and socket address, as `socket.getaddrinfo` gives them."""

Resolve = Callable[[str, int], Address]

_RESOLVE_INTERVAL_S = 60.0
"""A statsd that moved is found again within this."""

_FIRST_PAUSE_S = 1.0


def resolve(host: str, port: int) -> Address:
    """Ask the resolver; may take as long as DNS does.

    Raises
    ------
    Unavailable
        When nobody knows the name.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"{host}: {error}") from error
    return family, address


class Destination:
    """Sends datagrams without ever waiting: neither for a name, nor for room in the socket.

    Names are resolved in a thread of its own, for a resolver that does not answer takes many seconds. Until
    the first address is known datagrams are dropped; while a later one is sought they go to the one before.
    """

    def __init__(
        self, host: str, port: int, resolve: Resolve = resolve, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._port = port
        self._resolve = resolve
        self._clock = clock
        self._address: Address | None = None
        self._socket: socket.socket | None = None
        self._is_lost = False
        self._pause_s = _FIRST_PAUSE_S
        self._due = clock()
        self._resolver: Thread | None = None

    def look_up_if_due(self) -> None:
        """Begin to resolve the name, when it is time to and nobody does."""
        if self._clock() >= self._due and not (self._resolver and self._resolver.is_alive()):
            self._resolver = Thread(target=self._look_up, name="statsd-resolve", daemon=True)
            self._resolver.start()

    def wait_for_address(self, timeout_s: float) -> None:
        """Let a resolver at work come to its end, but not for longer than this."""
        if self._address is None and self._resolver is not None:
            self._resolver.join(timeout_s)

    def send(self, datagram: bytes) -> None:
        """Send, or drop what can't be sent at once."""
        if self._address is None:
            return
        family, address = self._address
        if self._socket is None or self._socket.family != family:
            self.close()
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            # UDP waits too: for room in the send buffer, and for the answer of ARP.
            self._socket.setblocking(False)
        with suppress(OSError):
            self._socket.sendto(datagram, address)

    def close(self) -> None:
        """Release the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _look_up(self) -> None:
        try:
            self._address = self._resolve(self._host, self._port)
        except Unavailable as error:
            self._due = self._clock() + self._pause_s
            self._pause_s = min(2 * self._pause_s, _RESOLVE_INTERVAL_S)
            if not self._is_lost:
                structlog.get_logger().warning("statsd_unresolvable", error=str(error))
            self._is_lost = True
            return
        self._due = self._clock() + _RESOLVE_INTERVAL_S
        self._pause_s = _FIRST_PAUSE_S
        if self._is_lost:
            structlog.get_logger().info("statsd_resolved", host=self._host)
        self._is_lost = False
