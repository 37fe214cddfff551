"""What is damaged in a store, a cache or an answer of the index costs itself; no route fails of it."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web

from streamrec.adapters.index_http.client import HttpIndex
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.opening import open_cache_publisher, open_index
from streamrec.adapters.sqlite.connection import path_of
from streamrec.domain.ranking.published_blend import decode_blend
from streamrec.index_protocol import (
    AnswerMessage,
    VectorsMessage,
    decode_queries,
    decode_vectors_query,
    encode_answers,
    encode_vectors,
)
from streamrec.ports import VectorTable
from tests import spoiled_parts as spoiled
from tests.asgi_client import Client
from tests.damage import NESTED_MSGPACK
from tests.spoiled_parts import ITEMS, ROUTES, Spoil, Urls, ask_all, degraded

_LONG_S = 120.0

RECOMMENDATIONS = {route for route in ROUTES if route.startswith("/v1/recommendations")}
OF_USERS = {route for route in RECOMMENDATIONS if "user_id" in route}
OF_CATEGORY = {"/v1/popular?k=3&category=c", "/v1/recommendations?k=3&category=c"}
OF_POPULAR = {"/v1/popular?k=3", *OF_CATEGORY}


def an_index() -> MemoryIndex:
    items = VectorTable(ITEMS, np.array([[number, 0] for number in range(len(ITEMS))], np.float32))
    users = VectorTable(["u", "u2"], np.array([[1, 1], [2, 1]], np.float32))
    return MemoryIndex({"g1": items}, {"g1": users})


async def whole_again(client: Client) -> None:
    """Return once every route answers whole: copies and pauses last a second."""
    deadline = time.monotonic() + _LONG_S
    while left := degraded(await ask_all(client)):
        assert time.monotonic() < deadline, f"still not whole: {left}"
        await asyncio.sleep(0.05)


async def degraded_by(urls: Urls, spoil: Spoil) -> set[str]:
    """Spoil, ask all routes of a fresh process, mend, and see that all is whole again without a restart."""
    spoil.do()
    try:
        with spoiled.opened(urls, an_index()) as (client, parts):
            try:
                found = degraded(await ask_all(client))
                spoil.undo()
                await whole_again(client)
            finally:
                await client.shut_down()
                await parts.store.aclose()
                await parts.cache.aclose()
    except AssertionError as error:
        raise AssertionError(f"{spoil.name}: {error}") from error
    return found


async def begun(urls: Urls) -> None:
    """Write everything, and see that it is whole."""
    spoiled.publish(urls)
    with spoiled.opened(urls, an_index()) as (client, parts):
        await spoiled.fill(parts)
        await whole_again(client)
        await client.shut_down()
        await parts.store.aclose()
        await parts.cache.aclose()


@pytest.fixture
def sqlite_urls(tmp_path: Path) -> Urls:
    return Urls(f"sqlite:///{tmp_path}/store.db", f"sqlite:///{tmp_path}/cache.db")


EVERY_WAY = pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.nightly)])
"""To spoil: some are enough to see each change's work."""


def ways(spoils: Iterable[Spoil], *, every: bool) -> list[Spoil]:
    """Return all ways to spoil, or four of them."""
    return list(spoils) if every else list(spoils)[1:9:2]


IN_THE_CACHE = {
    ("popular", "ranking"): OF_POPULAR,
    ("neighbours", "neighbours"): {"/v1/items/i1/similar?k=3&by=same_day", "/v1/items/i1/similar?k=3"},
    ("blend", "blend"): set(),
    ("counters", "value"): set(),
    ("report", "report"): set(),
    ("points", "point"): set(),
    ("items", "document"): set(),
    ("items", "expires_at"): set(),
    ("item_changes", "n"): set(),
    ("history_span", "span"): {"/v1/items/i1/history"},
    ("history", "bar"): set(),
}
"""By column of the cache, the routes that must say so."""


@EVERY_WAY
@pytest.mark.parametrize(("table", "column"), IN_THE_CACHE)
async def test_a_damaged_row_of_the_cache_is_done_without(
    sqlite_urls: Urls, table: str, column: str, *, every: bool
) -> None:
    await begun(sqlite_urls)
    for spoil in ways(spoiled.spoils_of_sqlite(path_of(sqlite_urls.cache), table, column), every=every):
        found = await degraded_by(sqlite_urls, spoil)
        if not spoil.name.endswith("an empty list"):  # which is one of no items
            assert found >= IN_THE_CACHE[table, column], spoil.name


IN_THE_STORE = {
    ("users", "vector"): OF_USERS,
    ("users", "recent"): OF_USERS,
    ("users", "disliked"): OF_USERS,
    ("users", "n_events"): set(),
    ("users", "updated_at"): set(),
    ("users", "profile"): set(),
    ("users", "attributes"): set(),
    ("users", "generation"): set(),
    ("seen", "item_id"): set(),
    ("items", "document"): {"/v1/items/i1"},
}


@EVERY_WAY
@pytest.mark.parametrize(("table", "column"), IN_THE_STORE)
async def test_a_damaged_row_of_the_store_is_done_without(
    sqlite_urls: Urls, table: str, column: str, *, every: bool
) -> None:
    await begun(sqlite_urls)
    for spoil in ways(spoiled.spoils_of_sqlite(path_of(sqlite_urls.store), table, column), every=every):
        found = await degraded_by(sqlite_urls, spoil)
        if not spoil.name.endswith("an empty list"):
            assert found >= IN_THE_STORE[table, column], spoil.name


async def test_the_next_publication_mends_the_cache(sqlite_urls: Urls) -> None:
    await begun(sqlite_urls)
    path = path_of(sqlite_urls.cache)
    with spoiled.opened(sqlite_urls, an_index()) as (client, parts):
        for table, column in IN_THE_CACHE:
            next(spoiled.spoils_of_sqlite(path, table, column)).do()
        assert degraded(await ask_all(client)) >= OF_POPULAR
        publisher = open_cache_publisher(sqlite_urls.cache)
        spoiled.publish_cache(publisher)
        publisher.close()
        await whole_again(client)
        await client.shut_down()
        await parts.store.aclose()
        await parts.cache.aclose()


KEYS = {
    "streamrec:popular:recent": set(),
    "streamrec:popular:week": OF_POPULAR - OF_CATEGORY,
    "streamrec:neighbours:i1": {"/v1/items/i1/similar?k=3&by=same_day"},
    "streamrec:blend": set(),
    "streamrec:counters": set(),
    "streamrec:item:i1": set(),
    "streamrec:history-span": {"/v1/items/i1/history"},
    "streamrec:history:i1": set(),
}


@EVERY_WAY
@pytest.mark.parametrize("key", KEYS)
async def test_a_damaged_value_in_redis_is_done_without(
    sqlite_urls: Urls, redis_url: str, key: str, *, every: bool
) -> None:
    urls = sqlite_urls._replace(cache=redis_url)
    await begun(urls)
    for spoil in ways(spoiled.spoils_of_redis(redis_url, key), every=every):
        found = await degraded_by(urls, spoil)
        if not spoil.name.endswith("an empty list"):
            assert found >= KEYS[key], spoil.name


IN_MONGO = {
    ("users", "vector"): set(),
    ("users", "recent"): OF_USERS,
    ("users", "n_events"): set(),
    ("users", "updated_at"): set(),
    ("users", "profile"): set(),
    ("users", "attributes"): set(),
    ("users", "generation"): set(),
    ("items", "categories"): {"/v1/items/i1"},
    ("items", "attributes"): {"/v1/items/i1"},
    ("items", "is_hidden"): set(),
}


@EVERY_WAY
@pytest.mark.parametrize(("collection", "field"), IN_MONGO)
async def test_a_damaged_document_in_mongodb_is_done_without(
    sqlite_urls: Urls, mongo_url: str, collection: str, field: str, *, every: bool
) -> None:
    urls = sqlite_urls._replace(store=mongo_url)
    await begun(urls)
    for spoil in ways(spoiled.spoils_of_mongo(mongo_url, collection, field), every=every):
        assert await degraded_by(urls, spoil) >= IN_MONGO[collection, field], spoil.name


Handler = Callable[[web.Request], object]


def _floats(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


ANSWERS: dict[str, bytes] = {
    "nothing": b"",
    "garbage": b"\xc1\xff",
    "a page": b"<html>not found</html>",
    "nested": b"\x91\x92\xa1g" + NESTED_MSGPACK,
    "a length without end": b"\xdd\xff\xff\xff\xff",
    "another type": b"\x91\xa1a",
    "odd scores": encode_answers([AnswerMessage("g1", ["i3"], b"123")]),
    "too few scores": encode_answers([AnswerMessage("g1", ["i3", "i4"], _floats(1.0))]),
    "too many scores": encode_answers([AnswerMessage("g1", ["i3"], _floats(1.0, 2.0))]),
    "scores that are not finite": encode_answers([AnswerMessage("g1", ["i3"], _floats(float("nan")))]),
    "infinite scores": encode_answers([AnswerMessage("g1", ["i3"], _floats(float("inf")))]),
    "an id twice": encode_answers([AnswerMessage("g1", ["i3", "i3"], _floats(1.0, 1.0))]),
    "more than wanted": encode_answers(
        [AnswerMessage("g1", [f"x{n}" for n in range(2000)], _floats(*[1.0] * 2000))]
    ),
    "an empty id": encode_answers([AnswerMessage("g1", [""], _floats(1.0))]),
    "two answers": encode_answers([AnswerMessage("g1")] * 2),
    "no answer": encode_answers([]),
}

VECTORS: dict[str, bytes] = {
    "garbage": b"\xc1\xff",
    "nested": b"\x93\xa1g" + NESTED_MSGPACK,
    "odd bytes": encode_vectors(VectorsMessage("g1", ["i3", "i4"], b"12345")),
    "rows of no width": encode_vectors(VectorsMessage("g1", ["i3", "i4"], b"")),
    "rows without ids": encode_vectors(VectorsMessage("g1", [], b"1234")),
    "not finite": encode_vectors(VectorsMessage("g1", ["i3"], _floats(float("nan"), 1.0))),
    "a row twice": encode_vectors(VectorsMessage("g1", ["i3", "i3"], _floats(1.0, 1.0))),
    "another dimension": encode_vectors(VectorsMessage("g1", ["i3"], _floats(1.0, 2.0, 3.0))),
    "of others": encode_vectors(VectorsMessage("g1", ["zz"], _floats(1.0, 2.0))),
}


class GarbageIndex:
    """A real HTTP server; answers well until it is told what else to answer."""

    def __init__(self) -> None:
        self.answer: bytes | None = None
        self.vectors: bytes | None = None
        self.status = 200

    async def on_search(self, request: web.Request) -> web.Response:
        queries = decode_queries(await request.read())
        good = [
            AnswerMessage("g1", ["i3"] if one.user_id is None else ["u2"], _floats(1.0)) for one in queries
        ]
        body = encode_answers(good) if self.answer is None else self.answer
        return web.Response(body=body, status=self.status)

    async def on_vectors(self, request: web.Request) -> web.Response:
        query = decode_vectors_query(await request.read())
        good = VectorsMessage("g1", query.ids, _floats(*[1.0, 2.0] * len(query.ids)))
        body = encode_vectors(good) if self.vectors is None else self.vectors
        return web.Response(body=body, status=self.status)


@asynccontextmanager
async def serving(garbage: GarbageIndex) -> AsyncIterator[HttpIndex]:
    app = web.Application()
    app.router.add_post("/v1/search", garbage.on_search)
    app.router.add_post("/v1/vectors", garbage.on_vectors)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = open_index(f"http://127.0.0.1:{runner.addresses[0][1]}/", 10.0)
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


@asynccontextmanager
async def asked_through(urls: Urls, garbage: GarbageIndex) -> AsyncIterator[Client]:
    async with serving(garbage) as index:
        with spoiled.opened(urls, index) as (client, parts):
            yield client
            await client.shut_down()
            await parts.store.aclose()
            await parts.cache.aclose()


async def test_an_index_that_answers_garbage_is_done_without(sqlite_urls: Urls) -> None:
    await begun(sqlite_urls)
    garbage = GarbageIndex()
    of_vectors = {"/v1/items/i1/similar?k=3&by=vector", "/v1/recommendations?user_id=u&k=3"}
    async with asked_through(sqlite_urls, garbage) as client:
        await whole_again(client)
        for name, answer in ANSWERS.items():
            garbage.answer = answer
            assert of_vectors <= degraded(await ask_all(client)), name
        garbage.answer = None
        await whole_again(client)


async def test_vectors_that_are_none_are_done_without(sqlite_urls: Urls) -> None:
    await begun(sqlite_urls)
    garbage = GarbageIndex()
    async with asked_through(sqlite_urls, garbage) as client:
        for name, vectors in VECTORS.items():
            garbage.vectors = vectors
            found = degraded(await ask_all(client))
            if name not in ("another dimension", "of others"):
                assert "/v1/recommendations?user_id=u&k=3&diversity=0.5" in found, name
        garbage.vectors = None
        await whole_again(client)


@pytest.mark.parametrize("status", [204, 301, 400, 404, 405, 418, 500, 503])
async def test_a_server_that_is_no_index_is_done_without(sqlite_urls: Urls, status: int) -> None:
    await begun(sqlite_urls)
    garbage = GarbageIndex()
    garbage.status, garbage.answer, garbage.vectors = status, b"", b""
    async with asked_through(sqlite_urls, garbage) as client:
        for route, answer in {route: await client.call("GET", route) for route in ROUTES}.items():
            assert answer.status in ((200, 503, 400) if status == 400 else (200, 503)), (route, answer)


_WEIGHTS = (
    b'{"sources":["a"],"weights":{"cold":[1],"light":[1],"heavy":[1]},"scale":{"cold":1,"light":1,"heavy":1},'
)

BLENDS = (
    _WEIGHTS + b'"hidden":[],"hidden_bias":[],"output":[]}',
    _WEIGHTS + b'"hidden":[[1],[1],[1],[1],[1],[1,2]],"hidden_bias":[1],"output":[1]}',
    _WEIGHTS + b'"hidden":[[1],[1],[1],[1],[1],[1]],"hidden_bias":[1],"output":[1e300]}',
    _WEIGHTS.replace(b'"cold":[1]', b'"odd":[1]')
    + b'"hidden":[[],[],[],[],[],[]],"hidden_bias":[],"output":[]}',
)


@pytest.mark.parametrize("written", BLENDS)
def test_a_blend_that_does_not_hold_together_is_none(written: bytes) -> None:
    assert decode_blend(written) is None
