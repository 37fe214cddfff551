"""Slow and greedy clients of the real server, each with a connection of its own."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar

import falcon.asgi
import pytest
import uvicorn

from streamrec.web.bodies import BodyReader
from streamrec.web.health import Live
from streamrec.web.paths import RawPathApp
from streamrec.web.worker import BoundedProtocol, Worker

N_SLOW = 60
_LONG_S = 120.0
ASK = b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n"
HEAD = b"POST /body HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"


class Impatient(BoundedProtocol):
    head_s: ClassVar = 1.0
    body_s: ClassVar = 1.0
    answer_s: ClassVar = 1.0


class Bodies:
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.text = str(len((await BodyReader(10_000_000).read(req)).payload))

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.data = b"x" * 50_000_000


@asynccontextmanager
async def serving(protocol: type[BoundedProtocol] = Impatient) -> AsyncIterator[int]:
    """Run uvicorn with the worker's settings on a free port; in this loop, so that all is one process."""
    app: Any = RawPathApp()
    app.add_route("/health/live", Live())
    app.add_route("/body", Bodies())
    settings: dict[str, Any] = {**Worker.CONFIG_KWARGS, "http": protocol, "loop": "none"}
    config = uvicorn.Config(app, port=0, log_config=None, **settings)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def all_said(self) -> bytes:
        """Wait until the server ends it, and return what it said."""
        with suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), _LONG_S)
        return b""


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ask(port: int) -> bytes:
    async with connected(port) as other:
        other.writer.write(ASK)
        return await asyncio.wait_for(other.reader.readuntil(b"\r\n"), _LONG_S)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (b"GET /health", b"408"),
        (b"GET /health/live HTTP/1.1\r\nX-A: 1\r\n", b"408"),
        (HEAD + b"Content-Length: 100\r\n\r\n{", b"408"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"408"),
        (ASK + b"\r\n", b"200"),
        (ASK + b"GET /hea", b"200"),
    ],
    ids=["nothing", "a line", "headers", "a body", "chunks", "a line's end", "a second one"],
)
async def test_who_stops_in_the_middle_is_ended(sent: bytes, status: bytes) -> None:
    async with serving() as port, connected(port) as slow:
        slow.writer.write(sent)
        said = await slow.all_said()
        assert said[9:12] == status
        assert not status or b"\r\n\r\n" in said


async def drip(connection: Connection, begin: bytes, then: bytes) -> None:
    """Send a little now and then, as if a request were under way, until the server has had enough."""
    with suppress(ConnectionError):
        connection.writer.write(begin)
        while not connection.reader.at_eof():
            connection.writer.write(then)
            await connection.writer.drain()
            await asyncio.sleep(0.05)


async def test_sixty_who_drip_cost_the_others_nothing_and_are_ended() -> None:
    heads = (b"GET /health/live HTTP/1.1\r\n", b"X-A: b\r\n")
    bodies = (HEAD + b"Content-Length: 1000000\r\n\r\n", b"x")
    async with serving() as port:
        async with asyncio.TaskGroup() as clients:
            slow = [clients.create_task(_drip_at(port, *(heads, bodies)[n % 2])) for n in range(N_SLOW)]
            n_answered = 0
            while not all(one.done() for one in slow):
                assert (await ask(port)).startswith(b"HTTP/1.1 200")
                n_answered += 1
            assert n_answered > 20
        # What we sent too much may cost the answer to it.
        assert {one.result()[9:12] for one in slow} <= {b"408", b""}


async def _drip_at(port: int, begin: bytes, then: bytes) -> bytes:
    async with connected(port) as connection:
        dripping = asyncio.create_task(drip(connection, begin, then))
        said = await connection.all_said()
        await dripping
        return said


async def test_a_head_without_end_is_refused() -> None:
    class Patient(Impatient):
        head_s: ClassVar = _LONG_S

    async with serving(Patient) as port, connected(port) as greedy:
        greedy.writer.write(b"GET /health/live HTTP/1.1\r\n")
        with suppress(ConnectionError):
            for _ in range(100):
                greedy.writer.write(b"X-A: " + b"a" * 8_000 + b"\r\n")
                await greedy.writer.drain()
        assert (await greedy.all_said())[9:12] in (b"431", b"")  # it may be lost with what we sent too much


async def test_a_body_that_comes_on_may_take_longer() -> None:
    size = 20 * Impatient.least_body_bytes
    async with serving() as port, connected(port) as steady:
        steady.writer.write(HEAD + f"Content-Length: {size}\r\n\r\n".encode())
        started = time.monotonic()
        for _ in range(20):
            steady.writer.write(b" " * Impatient.least_body_bytes)
            await asyncio.sleep(2 * Impatient.body_s / 20)
        answer = await asyncio.wait_for(steady.reader.readuntil(str(size).encode()), _LONG_S)
        assert answer.startswith(b"HTTP/1.1 200")
        assert time.monotonic() - started > 1.5 * Impatient.body_s


async def test_who_does_not_read_its_answer_is_ended() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
        writer.write(b"GET /body HTTP/1.1\r\nHost: here\r\n\r\n")
        # Nothing tells from here that it was ended but reading, which is what it waits for.
        await asyncio.sleep(3 * Impatient.answer_s)
        n_read = 0
        with suppress(ConnectionError):
            while some := await asyncio.wait_for(reader.read(1_000_000), _LONG_S):
                n_read += len(some)
        assert n_read < 50_000_000
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
