import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
import structlog
from aiohttp import web

from streamrec.adapters.index_http.client import HttpIndex
from streamrec.adapters.opening import open_index
from streamrec.errors import ConfigurationError, InvalidInput, Unavailable
from streamrec.index_protocol import AnswerMessage, QueryRow, decode_queries, encode_answers
from streamrec.ports import ById

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def a_client_of(handler: Handler, timeout_s: float = 10.0) -> AsyncIterator[HttpIndex]:
    """Give a client of a server whose every search is answered by `handler`."""
    app = web.Application(client_max_size=2**30)
    app.router.add_post("/v1/search", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    client = open_index(f"http://127.0.0.1:{port}/", timeout_s)
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


class Gate:
    """A server that answers each query with its own item, and holds the first request until told."""

    def __init__(self, *, is_open: bool) -> None:
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()
        self.batches: list[list[QueryRow]] = []
        self.headers: list[str | None] = []
        if is_open:
            self.opened.set()

    async def answer(self, request: web.Request) -> web.Response:
        queries = decode_queries(await request.read())
        self.batches.append(queries)
        self.headers.append(request.headers.get("X-Request-ID"))
        self.reached.set()
        await self.opened.wait()
        answers = [AnswerMessage("g", [query.id or ""], b"\0\0\x80\x3f") for query in queries]
        return web.Response(body=encode_answers(answers))


async def test_queries_gather_while_a_request_is_under_way() -> None:
    gate = Gate(is_open=False)
    async with a_client_of(gate.answer) as index:
        first = asyncio.create_task(index.search(ById("first", 1)))
        await gate.reached.wait()
        others = [asyncio.create_task(index.search(ById(f"i{n}", 1))) for n in range(100)]
        await asyncio.sleep(0)
        gate.opened.set()
        answers = await asyncio.gather(first, *others)
    assert [answer.ids[0] for answer in answers] == ["first", *(f"i{n}" for n in range(100))]
    assert list(answers[0].scores) == [1.0]
    assert [len(batch) for batch in gate.batches] == [1, 51, 49]


async def test_a_request_is_bounded_by_what_is_excluded() -> None:
    gate = Gate(is_open=True)
    excluded = [f"item-{n}" for n in range(9000)]
    async with a_client_of(gate.answer) as index:
        await asyncio.gather(*(index.search(ById(f"i{n}", 1, exclude=excluded)) for n in range(5)))
    assert [len(batch) for batch in gate.batches] == [2, 2, 1]


async def test_a_query_nobody_waits_for_is_not_sent() -> None:
    gate = Gate(is_open=False)
    async with a_client_of(gate.answer) as index:
        first = asyncio.create_task(index.search(ById("first", 1)))
        await gate.reached.wait()
        given_up = asyncio.create_task(index.search(ById("given up", 1)))
        kept = asyncio.create_task(index.search(ById("kept", 1)))
        await asyncio.sleep(0)
        given_up.cancel()
        gate.opened.set()
        await asyncio.gather(first, kept)
    assert [[query.id for query in batch] for batch in gate.batches] == [["first"], ["kept"]]


async def test_request_ids_go_along() -> None:
    gate = Gate(is_open=True)

    async def ask(request_id: str) -> None:
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await index.search(ById("i", 1))

    async with a_client_of(gate.answer) as index:
        await asyncio.gather(ask("r1"), ask("r2"))
        await index.search(ById("i", 1))
    assert gate.headers == ["r1,r2", None]


async def test_a_server_that_does_not_answer_in_time_is_unavailable() -> None:
    async with a_client_of(Gate(is_open=False).answer, timeout_s=0.1) as index:
        with pytest.raises(Unavailable):
            await index.search(ById("i", 1))


async def test_after_a_timeout_the_next_search_works() -> None:
    gate = Gate(is_open=False)
    async with a_client_of(gate.answer, timeout_s=2.0) as index:
        with pytest.raises(Unavailable):
            await index.search(ById("i", 1))
        gate.opened.set()
        assert (await index.search(ById("j", 1))).ids[0] == "j"


async def test_no_server_is_unavailable() -> None:
    index = HttpIndex("http://127.0.0.1:9", 5.0)
    with pytest.raises(Unavailable):
        await index.search(ById("i", 1))
    await index.close()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, b"oops", Unavailable),
        (503, b"loading", Unavailable),
        (400, b"no", InvalidInput),
        (200, b"\xc1", Unavailable),
        (200, b"", Unavailable),
        (200, msgspec.msgpack.encode([]), Unavailable),
    ],
)
async def test_what_is_no_answer_is_an_error(status: int, body: bytes, error: type[Exception]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    async with a_client_of(answer) as index:
        results = await asyncio.gather(
            *(index.search(ById("i", 1)) for _ in range(3)), return_exceptions=True
        )
    assert [type(result) for result in results] == [error] * 3


async def test_closing_fails_what_waits() -> None:
    gate = Gate(is_open=False)
    async with a_client_of(gate.answer) as index:
        waiting = asyncio.create_task(index.search(ById("i", 1)))
        await gate.reached.wait()
        await index.close()
        with pytest.raises(Unavailable):
            await waiting
        gate.opened.set()


@pytest.mark.parametrize("url", ["", "ftp://host", "localhost:8100", "http://"])
def test_a_url_of_no_http_server_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_index(url, 1.0)
