"""The client's call for vectors, against servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import structlog
from aiohttp import web

from streamrec.adapters.index_http.client import HttpIndex
from streamrec.adapters.opening import open_index
from streamrec.errors import InvalidInput, Unavailable
from streamrec.index_protocol import (
    VectorsMessage,
    VectorsQueryMessage,
    decode_vectors_query,
    encode_vectors,
)

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def a_client_of(handler: Handler, timeout_s: float = 10.0) -> AsyncIterator[HttpIndex]:
    """Give a client of a server whose every call for vectors is answered by `handler`."""
    app = web.Application()
    app.router.add_post("/v1/vectors", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = open_index(f"http://127.0.0.1:{runner.addresses[0][1]}/", timeout_s)
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


def answering(status: int = 200, body: bytes = b"") -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    return answer


async def test_ids_generation_and_request_id_arrive_and_rows_come_back() -> None:
    arrived: list[tuple[VectorsQueryMessage, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        arrived.append((decode_vectors_query(await request.read()), request.headers.get("X-Request-ID")))
        return web.Response(body=encode_vectors(VectorsMessage("g", ["a", "b"], b"aaaaaaaabbbbbbbb")))

    async with a_client_of(answer) as index:
        with structlog.contextvars.bound_contextvars(request_id="r1"):
            assert await index.vectors(["a", "x", "b"], "g") == {"a": b"a" * 8, "b": b"b" * 8}
        await index.vectors(["a"])
    (first, request_id), (second, no_id) = arrived
    assert (first.ids, first.generation, request_id) == (["a", "x", "b"], "g", "r1")
    assert (second.generation, no_id) == (None, None)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b"too many", InvalidInput),
        (503, b"no generation", Unavailable),
        (200, b"\xc1", Unavailable),
        (200, b"<html>", Unavailable),
        (200, encode_vectors(VectorsMessage("g", ["a", "b"], b"12345")), Unavailable),
        (200, encode_vectors(VectorsMessage("g", [], b"12345")), Unavailable),
    ],
)
async def test_an_answer_that_is_none_is_an_error(status: int, body: bytes, error: type[Exception]) -> None:
    async with a_client_of(answering(status, body)) as index:
        with pytest.raises(error, match="/v1/vectors"):
            await index.vectors(["a"])


async def test_who_waits_too_long_gives_up_and_the_next_gets_their_own_answer() -> None:
    released = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        item_ids = decode_vectors_query(await request.read()).ids
        if item_ids == ["slow"]:
            await released.wait()
        return web.Response(body=encode_vectors(VectorsMessage("g", item_ids, b"1234" * len(item_ids))))

    async with a_client_of(answer, timeout_s=0.2) as index:
        with pytest.raises(Unavailable, match="Timeout"):
            await index.vectors(["slow"])
        assert list(await index.vectors(["quick"])) == ["quick"]
        released.set()


async def test_nobody_there_is_unavailable() -> None:
    index = open_index("http://127.0.0.1:9", timeout_s=5.0)
    with pytest.raises(Unavailable):
        await index.vectors(["a"])
    await index.close()
