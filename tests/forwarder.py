"""A way to servers that change their roles, or that are far away: it can be cut, and made slow."""

import socket
import threading
import time
from contextlib import suppress


class Forwarder:
    """Listens on a port of this machine and passes on to `target`, another port, that a test may change.

    New connections go to the present target, old ones stay.

    Attributes
    ----------
    delay_s
        Seconds that all that is sent takes longer, in either direction.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_s = 0.0
        self._is_cut = False
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = int(self._listening.getsockname()[1])
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections, and each new one at once."""
        self._is_cut = True
        _end(*self._sockets)
        self._sockets.clear()

    def mend(self) -> None:
        """Pass on again, without delay."""
        self._is_cut, self.delay_s = False, 0.0

    def close(self) -> None:
        """Cut everything."""
        _end(self._listening, *self._sockets)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                if self._listening.fileno() < 0:
                    return
                continue
            server = self._connected()
            if server is None:
                client.close()
                continue
            self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _connected(self) -> socket.socket | None:
        if self._is_cut:
            return None
        try:
            return socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            return None

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                time.sleep(self.delay_s)
                sink.sendall(data)
        _end(source, sink)


def _end(*connections: socket.socket) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
