"""The health of a process without a server of its own, for whoever runs it: it answers nobody else."""

import json
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from streamrec.errors import ConfigurationError
from streamrec.process.status import TrainerStatus


def serve_status(address: str | None, process: str = "trainer") -> TrainerStatus:
    """Return a status; where a ``host:port`` is given, ``/health/live`` and ``/health/ready`` tell it.

    Live is a process that answers. Ready is one that does its work or stands by; a part that goes away later
    changes nothing: the process keeps its offsets and waits.

    Raises
    ------
    ConfigurationError
        When the address can't be listened on.
    """
    status = TrainerStatus()
    if address is not None:
        server = _listen(address, status, process)
        threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return status


def _listen(address: str, status: TrainerStatus, process: str) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        """Answers of one status."""

        def do_HEAD(self) -> None:  # noqa: N802  # the library's name
            """Answer as to GET, without a body."""
            self._answer()

        def do_GET(self) -> None:  # noqa: N802  # the library's name
            """Answer the two routes."""
            self.wfile.write(self._answer())

        def _answer(self) -> bytes:
            """Send the headers, and return the body."""
            if self.path not in ("/health/live", "/health/ready"):
                self.send_error(HTTPStatus.NOT_FOUND)
                return b""
            is_well = self.path == "/health/live" or status.is_ready
            trained = {"role": status.role, "generation": status.generation}
            said = {"status": "ok" if is_well else "not ready", process: status.state, **trained}
            body = json.dumps(said).encode()
            self.send_response(HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            return body

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
            """Say nothing: a probe comes every few seconds."""

    host, _, port = address.rpartition(":")
    try:
        server = _server_at(host.removeprefix("[").removesuffix("]"), int(port), Handler)
    except (OSError, ValueError, OverflowError) as error:
        variable = f"STREAMREC_{process.upper()}_HEALTH_ADDRESS"
        raise ConfigurationError(
            f"{variable}={address}: {error}; wanted is host:port or [IPv6 address]:port, with a free port"
        ) from error
    server.daemon_threads = True
    return server


def _server_at(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)  # noqa: S104  # as before IPv6
    family, *_, address = found[0]

    class Server(ThreadingHTTPServer):
        """Listens where the address says; on ``::`` for IPv4 as well, whatever the system's default is."""

        address_family = family

        def server_bind(self) -> None:
            """Listen."""
            if family == socket.AF_INET6:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            super().server_bind()

    return Server((str(address[0]), port), handler)
