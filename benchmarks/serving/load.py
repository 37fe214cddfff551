"""A load generator in a process of its own: the same requests for the bare app and for the real one.

``python -m benchmarks.serving.load PORT PATH --seconds 10`` keeps its connections busy; with a
``--rate`` requests are due at fixed times, whatever the answers take, and latency counts from then.
``{n}`` in PATH counts up, and around. Prints one JSON object.
"""

import asyncio
import itertools
import json
import time
from collections import deque
from typing import Annotated, cast

import numpy as np
import typer
import uvloop

CONNECTIONS = 16


class Load:
    """Requests to send, a text that answers must contain, and the results."""

    def __init__(self, path: str, expected: tuple[bytes, ...], first: int, below: int) -> None:
        self._path = path
        self._expected = expected
        self._numbers = itertools.chain(range(first, below), itertools.cycle(range(below)))
        self.latencies_s: list[float] = []
        self.n_failed = 0
        self.first_failure = ""

    def next_request(self) -> bytes:
        """Return the bytes of the next request."""
        path = self._path.replace("{n}", str(next(self._numbers)))
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    def note(self, answer: bytes, latency_s: float) -> None:
        """Take an answer in."""
        self.latencies_s.append(latency_s)
        if not answer.startswith(b"HTTP/1.1 200") or not all(part in answer for part in self._expected):
            self.n_failed += 1
            self.first_failure = self.first_failure or answer[:600].decode(errors="replace")


class Connection(asyncio.Protocol):
    """Sends the next request when told; tells when the answer is whole."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._received = b""
        self._due = 0.0
        self.transport: asyncio.Transport | None = None
        self.answered: asyncio.Future[None] | None = None
        self.again = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (uvloop's is a write transport without saying so)."""
        self.transport = cast("asyncio.Transport", transport)

    def send(self, due: float) -> None:
        """Send the next request, which was due then."""
        assert self.transport is not None
        self._due = due
        self.transport.write(self._load.next_request())

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer; go on when it is whole."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < int(
            head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        ):
            return
        now = time.perf_counter()
        self._load.note(self._received, now - self._due)
        self._received = b""
        self.on_answer(now)

    def on_answer(self, now: float) -> None:
        """Go on at once, until told to stop."""
        if self.again:
            self.send(now)


async def closed_loop(port: int, load: Load, seconds: float, n_connections: int) -> None:
    """Keep every connection busy."""
    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(n_connections):
        _, connection = await loop.create_connection(lambda: Connection(load), "127.0.0.1", port)
        connections.append(connection)
        connection.send(time.perf_counter())
    await asyncio.sleep(seconds)
    for connection in connections:
        connection.again = False
    await asyncio.sleep(0.5)
    for connection in connections:
        if connection.transport is not None:
            connection.transport.close()


class PooledConnection(Connection):
    """Serves the requests that are due, and returns to the pool when none is."""

    def __init__(self, load: Load, idle: "deque[PooledConnection]", due: deque[float]) -> None:
        super().__init__(load)
        self._idle = idle
        self._waiting = due

    def on_answer(self, now: float) -> None:
        """Take the request that waits longest."""
        if self._waiting:
            self.send(self._waiting.popleft())
        else:
            self._idle.append(self)


async def open_loop(port: int, load: Load, seconds: float, rate: float, n_connections: int) -> None:
    """Send at a fixed rate."""
    loop = asyncio.get_running_loop()
    idle: deque[PooledConnection] = deque()
    waiting: deque[float] = deque()
    for _ in range(n_connections):
        _, made = await loop.create_connection(
            lambda: PooledConnection(load, idle, waiting), "127.0.0.1", port
        )
        idle.append(made)
    start = time.perf_counter()
    for number in range(int(seconds * rate)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if idle:
            idle.popleft().send(due)
        else:
            waiting.append(due)
    await asyncio.sleep(1.0)


def main(  # noqa: PLR0913  # the options of a command line
    port: int,
    path: str,
    seconds: float = 10.0,
    rate: float = 0.0,
    expect: Annotated[list[str] | None, typer.Option(help="Must be in every answer.")] = None,
    first: int = 0,
    below: Annotated[int, typer.Option(help="After the number before this one comes 0.")] = 1_000_000,
    connections: Annotated[int, typer.Option(min=1)] = CONNECTIONS,
) -> None:
    """Put load on a server and print how it went."""
    load = Load(path, tuple(part.encode() for part in expect or ()), first, below)
    if rate:
        uvloop.run(open_loop(port, load, seconds, rate, connections))
    else:
        uvloop.run(closed_loop(port, load, seconds, connections))
    latencies_ms = np.asarray(load.latencies_s or [float("nan")]) * 1000
    result = {
        "n_answers": len(load.latencies_s),
        "n_failed": load.n_failed,
        "first_failure": load.first_failure,
        "per_s": (len(load.latencies_s) - load.n_failed) / seconds,
        "p50_ms": float(np.percentile(latencies_ms, 50)),
        "p99_ms": float(np.percentile(latencies_ms, 99)),
        "max_ms": float(latencies_ms.max()),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    typer.run(main)
