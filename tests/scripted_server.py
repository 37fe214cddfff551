"""A server that answers each request as its script says: also not at all, by halves, or with a reset."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import NamedTuple

PROBLEM = b'{"title": "Service Unavailable", "status": 503, "detail": "the store does not answer"}'


class Request(NamedTuple):
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Deed = Callable[[socket.socket, Request], None]
"""What is done about a request; the connection goes on if it is still open afterwards."""


def answers(status: int, body: bytes = b"", **headers: str) -> Deed:
    """Answer with headers whose names are written with underscores."""
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in headers.items())
    written = f"{head}\r\n".encode() + body
    return lambda connection, _: connection.sendall(written)


def resets(connection: socket.socket, _: Request) -> None:
    """Cut the connection with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def breaks_off(connection: socket.socket, _: Request) -> None:
    """Promise a long answer and end in the middle of it."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{"status": ')
    connection.close()


def is_silent(connection: socket.socket, _: Request) -> None:
    """Say nothing, until the client gives up."""
    connection.recv(1)


def drips(connection: socket.socket, _: Request) -> None:
    """Answer a byte at a time, never through."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def drips_headers(connection: socket.socket, _: Request) -> None:
    """Begin an answer a byte at a time, never through."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        connection.sendall(b"a")
        time.sleep(0.02)


class ScriptedServer:
    """Does one deed a request; after the last of them, the last again."""

    def __init__(self, script: Sequence[Deed], over: ssl.SSLContext | None) -> None:
        self.requests: list[Request] = []
        self._script, self._over = script, over
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Cut everything."""
        for connection in (self._listening, *self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _secured(self, connection: socket.socket) -> socket.socket:
        return connection if self._over is None else self._over.wrap_socket(connection, server_side=True)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), self._secured(connection) as connection:
            while (request := _read(connection)) is not None:
                with self._lock:
                    deed = self._script[min(len(self.requests), len(self._script) - 1)]
                    self.requests.append(request)
                deed(connection, request)


def _read(connection: socket.socket) -> Request | None:
    received = b""
    while b"\r\n\r\n" not in received:
        if not (part := connection.recv(65536)):
            return None
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        if not (part := connection.recv(65536)):
            return None
        body += part
    method, target, _ = first.split(" ")
    return Request(method, target, headers, body)


@contextmanager
def scripted(*script: Deed, over: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Serve until the block ends, `over` TLS if that is given."""
    server = ScriptedServer(script, over)
    try:
        yield server
    finally:
        server.close()
