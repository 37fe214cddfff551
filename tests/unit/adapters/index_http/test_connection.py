import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from streamrec.adapters.index_http.connection import KeptConnection
from streamrec.errors import ConfigurationError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@asynccontextmanager
async def a_connection_to(serve: Serve) -> AsyncIterator[KeptConnection]:
    """Give a connection to a server that treats each of its connections by `serve`."""

    serving: set[asyncio.Task[None]] = set()

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await serve(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve_and_close, "127.0.0.1", 0)
    connection = KeptConnection(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/search")
    try:
        yield connection
    finally:
        connection.close()
        await asyncio.gather(*serving)
        server.close()
        await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    n_bytes = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
    return head + await reader.readexactly(n_bytes)


async def test_requests_share_a_connection() -> None:
    requests: list[list[bytes]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append([])
        for _ in range(2):
            requests[-1].append(await read_request(reader))
            writer.write(OK)

    async with a_connection_to(serve) as connection:
        assert await connection.post({"A": "b"}, b"body") == (200, b"hi")
        assert await connection.post({}, b"") == (200, b"hi")
    ((first, second),) = requests
    assert first.startswith(b"POST /search HTTP/1.1\r\nHost: 127.0.0.1:")
    assert first.endswith(b"\r\nA: b\r\nContent-Length: 4\r\n\r\nbody")
    assert second.endswith(b"\r\nContent-Length: 0\r\n\r\n")


async def test_a_connection_that_the_server_closed_is_opened_again() -> None:
    n_connections = 0

    async def serve_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal n_connections
        n_connections += 1
        await read_request(reader)
        writer.write(OK)

    async with a_connection_to(serve_once) as connection:
        for _ in range(3):
            assert (await connection.post({}, b"body")).body == b"hi"
    assert n_connections == 3


async def test_a_server_that_closes_without_a_word_is_asked_twice() -> None:
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        writer.write(OK)
        await reader.read(1)  # of the next request, which gets no reply

    async with a_connection_to(serve) as connection:
        await connection.post({}, b"1")
        assert (await connection.post({}, b"2")).body == b"hi"
    assert [request[-1:] for request in requests] == [b"1", b"2"]


async def test_parts_of_a_reply_are_put_together() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for part in (
            b"HTTP/1.1 404 No",
            b"t Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
            b"c\r\n0\r\n\r\n",
        ):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)

    async with a_connection_to(serve) as connection:
        assert await connection.post({}, b"") == (404, b"abc")


@pytest.mark.parametrize("reply", [b"", b"what?\r\n\r\n", OK[:-1]])
async def test_what_is_no_reply_is_an_error(reply: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(reply)

    async with a_connection_to(serve) as connection:
        with pytest.raises(OSError, match=r"connection|HTTP"):
            await connection.post({}, b"")


async def test_a_reply_that_nobody_waits_for_is_not_the_next_ones() -> None:
    replies = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate", OK])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        reply = next(replies)
        await asyncio.sleep(0.05 if b"late" in reply else 0)
        writer.write(reply)

    async with a_connection_to(serve) as connection:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.post({}, b""), 0.01)
        assert (await connection.post({}, b"")).body == b"hi"


def test_only_http_is_spoken() -> None:
    with pytest.raises(ConfigurationError):
        KeptConnection("ftp://host/search")
