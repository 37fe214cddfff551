"""A Kafka broker, MongoDB and Redis behind ways that can be cut and made slow."""

import shutil
from pathlib import Path
from typing import NamedTuple

from streamrec.cli.launch.local_servers import KAFKA, MONGODB, REDIS, LocalServer, ServerKind, free_port
from tests.forwarder import Forwarder

_DELAY_S = 0.3
"""Two ways of it are more than a recommender waits for one answer of a store."""


class Reached(NamedTuple):
    """A server, and the way by which all but the tests reach it."""

    server: LocalServer
    way: Forwarder


class Servers:
    """The three servers; the broker tells its clients the way to it as its own address.

    What the broker holds is in its memory: it may be away, and not end, but where all begins anew.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reached = {kind.name: _reached(kind, folder) for kind in (KAFKA, MONGODB, REDIS)}
        for reached in self._reached.values():
            reached.server.start()

    def url(self, name: str, *, is_direct: bool = False) -> str:
        """Return where a server is found; directly, or by the way that may be cut."""
        server, way = self._reached[name]
        return server.url if is_direct else f"{server.kind.scheme}://127.0.0.1:{way.port}"

    def kill(self, name: str) -> None:
        """End a server as a crash does."""
        self._reached[name].server.kill()

    def start(self, name: str) -> None:
        """Start one that was ended."""
        self._reached[name].server.start()

    def freeze(self, name: str) -> None:
        """Let a server hang."""
        self._reached[name].server.freeze()

    def cut(self, name: str) -> None:
        """Let nobody reach a server."""
        self._reached[name].way.cut()

    def slow(self, name: str) -> None:
        """Let whatever goes to a server or comes from it be late."""
        self._reached[name].way.delay_s = _DELAY_S

    def mend(self, name: str) -> None:
        """Let a server go on, and be reached as before."""
        server, way = self._reached[name]
        server.thaw()
        way.mend()

    def renew(self) -> None:
        """Replace all by servers that hold nothing."""
        for name, (server, _) in self._reached.items():
            server.thaw()
            server.kill()
            shutil.rmtree(self._folder / name)
            server.start()

    def close(self) -> None:
        """End all."""
        for server, way in self._reached.values():
            server.thaw()
            server.kill()
            way.close()


def _reached(kind: ServerKind, folder: Path) -> Reached:
    port = free_port()
    way = Forwarder(port)
    if kind is KAFKA:
        kind = kind._replace(arguments=lambda port, _: _broker_arguments(port, way.port))
    return Reached(LocalServer(kind, folder, port), way)


def _broker_arguments(port: int, advertised: int) -> list[str]:
    urls = [f"tcp://127.0.0.1:{number}" for number in (port, advertised)]
    return ["broker", "--silent", "--listener-url", urls[0], "--advertised-listener-url", urls[1]]
