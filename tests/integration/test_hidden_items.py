"""What was hidden or deleted is not offered again, by any server on the same stores, whatever was cached."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from recommender_server.app import Parts, Rules, create_app
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.opening import open_cache, open_store
from streamrec.adapters.sqlite.store import SqliteStore
from streamrec.cli.launch.local_servers import REDIS, LocalServer
from streamrec.errors import Unavailable
from streamrec.ports import DocumentStore, HotCache, VectorTable
from streamrec.serving.composition import ServingLimits
from streamrec.telemetry import NullMetrics
from tests.asgi_client import Client

# A driver whose call is given up in the middle leaves its socket to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

N = 50

IDS = [f"i{number}" for number in range(N)]

SETTLED_S = 0.5
"""What was read before a change, and is written behind it, is written within this."""

PATIENCE_S = 60.0
"""How long anything may take on a busy machine before it counts as broken."""


class Servers:
    """Two recommenders as two processes would be: nothing in common but the stores."""

    def __init__(self, store_url: str, cache_url: str) -> None:
        self.cache_url = cache_url
        self.stores = [open_store(store_url) for _ in range(2)]
        self.caches = [open_cache(cache_url) for _ in range(2)]
        self.a, self.b = (
            client_over(store, cache) for store, cache in zip(self.stores, self.caches, strict=True)
        )

    async def put(self, number: int, **body: Any) -> None:
        assert (await self.a.call("PUT", f"/v1/items/i{number}", json=body)).status == 204

    async def offered(self, client: Client, item_ids: list[str]) -> list[str]:
        """Return which of these a server offers."""
        found: list[str] = []
        for first in range(0, len(item_ids), 25):
            some = "&only_ids=".join(item_ids[first : first + 25])
            answer = await client.call("GET", f"/v1/recommendations?user_id=u&k=25&only_ids={some}")
            assert answer.status == 200, answer.body
            found += [item["item_id"] for item in answer.json["items"]]
        return sorted(found)

    async def offered_by_both(self, item_ids: list[str]) -> list[list[str]]:
        return [await self.offered(client, item_ids) for client in (self.a, self.b)]

    async def settle(self, item_ids: list[str], offered: list[str]) -> None:
        """Wait until both offer these of the items and no others, and see that it stays so."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := await self.offered_by_both(item_ids)) != [offered] * 2:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.02)
        await asyncio.sleep(SETTLED_S)
        assert await self.offered_by_both(item_ids) == [offered] * 2

    async def close(self) -> None:
        for client in (self.a, self.b):
            await client.shut_down()
        for store in self.stores:
            await store.aclose()
        for cache in self.caches:
            await cache.aclose()


def client_over(store: DocumentStore, cache: HotCache) -> Client:
    index = MemoryIndex({"g1": VectorTable(IDS, np.ones((N, 3), np.float32))})
    sink = MemoryEventSink(MemoryEventLog())
    rules = Rules(ServingLimits(PATIENCE_S))
    return Client(create_app(Parts(store, cache, index, sink, NullMetrics()), rules))


@pytest.fixture(params=["sqlite", "redis", "mongodb and redis"])
async def servers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Servers]:
    store_url, cache_url = f"sqlite:///{tmp_path}/store.db", f"sqlite:///{tmp_path}/cache.db"
    if "redis" in request.param:
        cache_url = request.getfixturevalue("redis_url")
    if "mongodb" in request.param:
        store_url = request.getfixturevalue("mongo_url")
    made = Servers(store_url, cache_url)
    await made.offered_by_both(IDS[:1])
    yield made
    await made.close()


Change = Callable[[Servers, int], Awaitable[None]]


async def hide(servers: Servers, number: int) -> None:
    await servers.put(number, title="new", is_hidden=True)


async def hide_with_many(servers: Servers, number: int) -> None:
    bodies = [{"item_id": f"i{number}", "is_hidden": True}]
    bodies += [{"item_id": f"{number}-{other}", "title": "x"} for other in range(10)]
    assert (await servers.a.call("PUT", "/v1/items", json=bodies)).status == 204


async def delete(servers: Servers, number: int) -> None:
    assert (await servers.a.call("DELETE", f"/v1/items/i{number}")).status == 204


@pytest.mark.parametrize("change", [hide, hide_with_many, delete])
async def test_what_was_read_before_a_change_is_not_cached_after_it(servers: Servers, change: Change) -> None:
    async def one_try(number: int) -> None:
        await asyncio.sleep(number * 0.02)  # the other server's writes fall before, between and behind
        await servers.put(number, title="old")
        assert await servers.offered(servers.b, [f"i{number}"]) == [f"i{number}"]
        await asyncio.sleep(number * 0.001)
        await change(servers, number)
        await servers.settle([f"i{number}"], [])

    await asyncio.gather(*map(one_try, range(N)))
    assert await servers.offered_by_both(IDS) == [[], []]


@pytest.mark.parametrize("change", [hide, delete])
async def test_what_comes_back_is_offered_again(servers: Servers, change: Change) -> None:
    async def one_try(number: int) -> None:
        await servers.put(number, title="old")
        await servers.offered_by_both([f"i{number}"])
        await change(servers, number)
        await servers.offered_by_both([f"i{number}"])
        await servers.put(number, title="back")
        await servers.settle([f"i{number}"], [f"i{number}"])

    await asyncio.gather(*map(one_try, range(N)))


async def test_an_item_that_nobody_knew_is_gone_too_once_it_is_deleted(servers: Servers) -> None:
    assert await servers.offered_by_both(["i7"]) == [["i7"]] * 2
    assert (await servers.a.call("DELETE", "/v1/items/i7")).status == 404
    await servers.settle(["i7"], [])
    assert (await servers.a.call("GET", "/v1/items/i7")).status == 404


class Away:
    """A store that does not answer."""

    async def get_versions(self, _item_ids: object) -> None:
        raise Unavailable("away")


async def test_while_the_store_is_away_what_was_hidden_stays_hidden_also_after_a_restart(
    servers: Servers, tmp_path: Path
) -> None:
    await servers.put(1, is_hidden=True)
    await servers.put(2, title="shown")
    later = time.time() + 3600.0  # all that was cached is too old by then
    caches = [*servers.caches, open_cache(servers.cache_url)]
    for cache in caches:
        for part in (cache, getattr(cache, "_far", cache)):
            vars(part)["_clock"] = lambda: later
    store = SqliteStore(tmp_path / "another.db")
    restarted = client_over(store, caches[2])
    for part in (*servers.stores, store):
        vars(part)["get_versions"] = Away().get_versions
    assert await servers.offered_by_both(["i1", "i2"]) == [["i2"], ["i2"]]
    assert await servers.offered(restarted, ["i1", "i2"]) == ["i2"]
    await restarted.shut_down()
    await caches[2].aclose()
    await store.aclose()


@pytest.fixture
def own_redis(redis_server: LocalServer, tmp_path: Path) -> Iterator[LocalServer]:
    """One that the test may kill."""
    assert redis_server.port
    server = LocalServer(REDIS, tmp_path / "redis", extra=("--save", "", "--appendonly", "yes")).start()
    yield server
    server.stop()


async def test_a_cache_that_was_away_when_items_were_hidden_knows_it_when_it_comes_back(
    own_redis: LocalServer, tmp_path: Path
) -> None:
    servers = Servers(f"sqlite:///{tmp_path}/store.db", f"{own_redis.url}/0")
    for number in range(N):
        await servers.put(number, title="old")
    await servers.offered_by_both(IDS)
    client = redis.Redis(port=own_redis.port)
    await eventually(lambda: len(client.keys("streamrec:item:*")) >= N and cached(client, 0))
    client.close()
    own_redis.stop()
    for number in range(N):
        await servers.put(number, title="new", is_hidden=True)
    assert await servers.offered_by_both(IDS) == [[], []]
    own_redis.start()
    await servers.settle(IDS, [])  # the cache is told soon after it is back, not at the same moment
    for _ in range(10):
        assert await servers.offered_by_both(IDS) == [[], []]
        await asyncio.sleep(0.1)
    await servers.close()


def cached(client: redis.Redis, number: int) -> bool:
    value = client.get(f"streamrec:item:i{number}")
    return value is not None and json.loads(value)[0] is not None


async def eventually(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_machine_whose_clock_is_behind_hides_an_item_nevertheless(tmp_path: Path) -> None:
    servers = Servers(f"sqlite:///{tmp_path}/store.db", f"sqlite:///{tmp_path}/cache.db")
    servers.stores[0]._clock = lambda: time.time() - 86_400.0  # type: ignore[attr-defined]
    answer = await servers.b.call("PUT", "/v1/items/i1", json={"title": "old"})
    assert answer.status == 204
    assert await servers.offered_by_both(["i1"]) == [["i1"]] * 2
    await servers.put(1, is_hidden=True)
    await servers.settle(["i1"], [])
    await servers.close()


async def test_entries_without_a_version_are_read(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "cache.db") as cache:
        cache.execute(
            "CREATE TABLE items (item_id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL,"
            " expires_at REAL NOT NULL) WITHOUT ROWID"
        )
        rows = [("i1", '{"item_id":"i1","is_hidden":true}'), ("i2", '{"item_id":"i2","title":"old"}')]
        cache.executemany("INSERT INTO items VALUES (?, ?, ?)", [(*row, time.time() + 200) for row in rows])
    cache.close()
    servers = Servers(f"sqlite:///{tmp_path}/store.db", f"sqlite:///{tmp_path}/cache.db")
    assert await servers.offered_by_both(["i1", "i2"]) == [["i2"]] * 2
    await servers.put(1, title="shown")
    await hide(servers, 2)
    await servers.settle(["i1", "i2"], ["i1"])
    await servers.close()


async def test_an_entry_of_the_version_before_is_read_from_redis(redis_url: str, tmp_path: Path) -> None:
    with redis.Redis.from_url(redis_url) as client:
        for number, item in enumerate(
            ({"item_id": "i0", "is_hidden": True}, {"item_id": "i1", "title": "o"})
        ):
            client.set(f"streamrec:item:i{number}", json.dumps([item, time.time() + 200]), px=200_000)
    servers = Servers(f"sqlite:///{tmp_path}/store.db", redis_url)
    assert await servers.offered_by_both(["i0", "i1"]) == [["i1"]] * 2
    await servers.put(0, title="shown")
    await hide(servers, 1)
    await servers.settle(["i0", "i1"], ["i0"])
    await servers.close()
