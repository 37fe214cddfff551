"""A way to a server that a test may disturb: lead elsewhere, cut, slow down, garble or silence."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

from streamrec.cli.launch.local_servers import free_port

SLOW_S = 5.0

GARBAGE = bytes(range(255, 0, -3)) + b"\r\n\r\n"
"""No length, no line and no head that any of our protocols knows."""

_LOOK_S = 0.02


class Way(Enum):
    """State of a forwarder."""

    OPEN = "open"
    REFUSING = "refuses connections, and has cut those that were"
    SLOW = f"answers {SLOW_S:.0f} s late"
    GARBLED = "answers garbage"
    SILENT = "accepts connections and never answers"
    RESETTING = "resets each connection in the middle of an answer"


class Forwarder:
    """Listens on a port of this machine and passes on to `target`, another port, that a test may change.

    New connections go to the present target, old ones stay. A change of the way reaches all at once.

    Attributes
    ----------
    delay_s
        Seconds that all that is sent takes longer, in either direction.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_s = 0.0
        self.port = free_port()
        self._way = Way.OPEN
        self._listening: socket.socket | None = socket.create_server(("127.0.0.1", self.port), backlog=100)
        self._pairs: list[_Pair] = []
        self._lock = threading.Lock()
        self._accept_on(self._listening)

    @property
    def way(self) -> Way:
        """What becomes of what passes."""
        return self._way

    @way.setter
    def way(self, way: Way) -> None:
        before, self._way = self._way, way
        if before is Way.REFUSING and way is not Way.REFUSING:
            self._listening = socket.create_server(("127.0.0.1", self.port), backlog=100)
            self._accept_on(self._listening)
        elif way is Way.REFUSING:
            self._refuse()

    def cut(self) -> None:
        """End all connections, and refuse new ones."""
        self.way = Way.REFUSING

    def mend(self) -> None:
        """Pass on again, without delay."""
        self.way, self.delay_s = Way.OPEN, 0.0

    def close(self) -> None:
        """Cut everything."""
        self.way = Way.REFUSING

    def _refuse(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.cut()

    def _accept_on(self, listening: socket.socket) -> None:
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self._lock:
                pair = _Pair(self, client, server)
                self._pairs = [one for one in self._pairs if one.is_open] + [pair]
            pair.start()
            if self._way is Way.REFUSING:
                pair.cut()  # it came in at the last moment


class _Pair:
    """A client's connection and the server's that belongs to it."""

    def __init__(self, forwarder: Forwarder, client: socket.socket, server: socket.socket) -> None:
        self._forwarder = forwarder
        self._client, self._server = client, server
        self._is_garbled, self._cutting = False, threading.Lock()
        self.is_open = True

    def start(self) -> None:
        for pump in (self._pump_requests, self._pump_answers):
            threading.Thread(target=self._run, args=(pump,), daemon=True).start()

    def cut(self, *, by_reset: bool = False) -> None:
        with self._cutting:
            if not self.is_open:
                return
            self.is_open = False
        for connection in (self._client, self._server):
            with suppress(OSError):
                if by_reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # Whoever reads from it goes on: until then it would stay open.
                connection.shutdown(socket.SHUT_RD if by_reset else socket.SHUT_RDWR)
            connection.close()

    def _run(self, pump: Callable[[], None]) -> None:
        with suppress(OSError):
            pump()
        self.cut()

    def _pump_requests(self) -> None:
        while data := self._client.recv(65536):
            time.sleep(self._forwarder.delay_s)
            self._wait_while_silent()
            if self._forwarder.way is Way.GARBLED:
                self._is_garbled = True
                self._client.sendall(GARBAGE)
            elif self._is_garbled:
                return  # what this connection asked is lost: it can't go on
            else:
                self._server.sendall(data)

    def _pump_answers(self) -> None:
        is_at_rest = True
        while data := self._server.recv(65536):
            time.sleep(self._forwarder.delay_s)
            self._wait_while_silent()
            match self._forwarder.way:
                case Way.SLOW if is_at_rest:
                    self._wait_for_change(SLOW_S)
                case Way.GARBLED:
                    self._is_garbled, data = True, GARBAGE
                case Way.RESETTING:
                    self._client.sendall(data[: len(data) // 2])
                    self.cut(by_reset=True)
                    return
            self._client.sendall(data)
            is_at_rest = not _has_more(self._server)

    def _wait_while_silent(self) -> None:
        """Hold what came back until the server would go on, as one that hung does."""
        while self._forwarder.way is Way.SILENT and self.is_open:
            time.sleep(_LOOK_S)

    def _wait_for_change(self, longest_s: float) -> None:
        end = time.monotonic() + longest_s
        while self._forwarder.way is Way.SLOW and self.is_open and time.monotonic() < end:
            time.sleep(_LOOK_S)


def _has_more(connection: socket.socket) -> bool:
    """Return whether more of the same answer has arrived."""
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return False
