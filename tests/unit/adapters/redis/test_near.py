"""Copies inside the process: who hears of changes, and what happens to those who can't."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import redis.asyncio

from streamrec.adapters.redis.cache import RedisCache
from streamrec.adapters.redis.connection import address_of
from streamrec.adapters.redis.near_cache import RedisNearCache
from streamrec.adapters.redis.near_items import NearItems
from streamrec.adapters.redis.values import CachedItem
from streamrec.cli.launch.local_servers import REDIS, LocalServer
from streamrec.domain.items.item import Item
from streamrec.errors import Unavailable


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.005)


@pytest.fixture
async def near(redis_url: str) -> AsyncIterator[RedisNearCache]:
    cache = RedisNearCache(address_of(redis_url))
    await until(cache.keeps_copies)
    yield cache
    await cache.aclose()


@pytest.fixture
async def other(redis_url: str) -> AsyncIterator[RedisCache]:
    """Another process's cache."""
    cache = RedisCache(address_of(redis_url))
    yield cache
    await cache.aclose()


async def n_commands(client: "redis.asyncio.Redis", name: str) -> int:
    return int((await client.info("commandstats")).get(f"cmdstat_{name}", {"calls": 0})["calls"])


@pytest.fixture
async def foreign(redis_url: str) -> AsyncIterator["redis.asyncio.Redis"]:
    client = redis.asyncio.Redis.from_url(redis_url, protocol=2)
    yield client
    await client.aclose()


async def test_what_was_read_a_moment_ago_is_not_asked_for_again(
    near: RedisNearCache, other: RedisCache, foreign: "redis.asyncio.Redis"
) -> None:
    await other.put_items([Item("a", title="A"), Item("b")])
    assert set(await near.get_items(["a", "b", "c"])) == {"a", "b"}
    before = await n_commands(foreign, "mget")
    assert await near.get_items(["b", "a"]) == {"a": Item("a", title="A"), "b": Item("b")}
    assert await n_commands(foreign, "mget") == before
    assert set(await near.get_items(["a", "c"])) == {"a"}
    assert await n_commands(foreign, "mget") == before + 1


async def test_what_one_puts_oneself_is_at_hand(near: RedisNearCache, foreign: "redis.asyncio.Redis") -> None:
    await near.put_items([Item("a", title="A")])
    before = await n_commands(foreign, "mget")
    assert await near.get_items(["a"]) == {"a": Item("a", title="A")}
    assert await n_commands(foreign, "mget") == before


@pytest.mark.parametrize("change", ["drop", "put"])
async def test_a_change_elsewhere_is_seen_here(near: RedisNearCache, other: RedisCache, change: str) -> None:
    await other.put_items([Item("a", title="old"), Item("b")])
    await near.get_items(["a", "b"])
    if change == "drop":
        await other.drop_items(["a"])
        await asyncio.wait_for(eventually(near, {"b": Item("b")}), 10)
    else:
        await other.put_items([Item("a", title="new")])
        await asyncio.wait_for(eventually(near, {"a": Item("a", title="new"), "b": Item("b")}), 10)


async def eventually(cache: RedisNearCache, wanted: dict[str, Item]) -> None:
    while await cache.get_items(["a", "b"]) != wanted:
        await asyncio.sleep(0.005)


async def test_an_unreadable_word_costs_all_copies(
    near: RedisNearCache, foreign: "redis.asyncio.Redis"
) -> None:
    await near.put_items([Item("a")])
    await foreign.flushall()
    assert await near.get_items(["a"]) == {"a": Item("a")}
    await foreign.publish("streamrec:changed-items", b"of another version")
    while await near.get_items(["a"]):
        await asyncio.sleep(0.005)


@pytest.fixture
def own_server(redis_server: LocalServer, tmp_path: Path) -> Iterator[LocalServer]:
    assert redis_server.port
    server = LocalServer(REDIS, tmp_path).start()
    yield server
    server.stop()


async def test_who_can_not_hear_keeps_no_copies(own_server: LocalServer) -> None:
    cache = RedisNearCache(address_of(own_server.url))
    try:
        await until(cache.keeps_copies)
        await cache.put_items([Item("a", title="old")])
        own_server.kill()
        await until(lambda: not cache.keeps_copies())
        with pytest.raises(Unavailable):
            await cache.get_items(["a"])
        own_server.start()
        await asyncio.wait_for(until(cache.keeps_copies), 30)
        assert await cache.get_items(["a"]) == {}
    finally:
        await cache.aclose()


@pytest.mark.parametrize("n_turns", [0, 1, 2, 3, 5, 8, 13, 21, 34])
async def test_it_closes_at_any_moment_of_its_connecting(redis_url: str, n_turns: int) -> None:
    cache = RedisNearCache(address_of(redis_url))
    cache.keeps_copies()
    for _ in range(n_turns):
        await asyncio.sleep(0)
    await asyncio.wait_for(cache.aclose(), 10)


def entry(title: str, expires_at: float = 1e12) -> dict[str, CachedItem]:
    return {"a": CachedItem(Item("a", title=title), expires_at)}


def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    items = NearItems(ttl_s=60.0)
    epoch = items.epoch
    items.drop(["a"])
    items.keep(entry("old"), epoch, 0.0)
    assert items.find(["a"], 0.0).found == {}
    items.keep(entry("new"), items.epoch, 0.0)
    assert items.find(["a"], 0.0).found["a"].title == "new"
    items.clear()
    assert items.find(["a"], 0.0).found == {}


def test_a_copy_is_renewed_in_time_and_ends_with_what_it_is_of() -> None:
    items = NearItems(ttl_s=60.0)
    items.keep(entry("a"), items.epoch, 100.0)
    assert items.find(["a"], 129.0).ageing == []
    assert items.find(["a"], 131.0) == ({"a": Item("a", title="a")}, ["a"])
    assert items.find(["a"], 160.0).found == {}
    items.keep(entry("a", expires_at=110.0), items.epoch, 100.0)
    assert items.find(["a"], 111.0).found == {}
    assert items.find(["a"], 10.0).found == {}  # the clock was set back


def test_those_unused_for_longest_go_first() -> None:
    items = NearItems(max_items=2, ttl_s=60.0)
    for name in ("x", "y"):
        items.keep({name: CachedItem(Item(name), 1e12)}, items.epoch, 0.0)
    items.find(["x"], 1.0)
    items.keep({"z": CachedItem(Item("z"), 1e12)}, items.epoch, 1.0)
    assert set(items.find(["x", "y", "z"], 1.0).found) == {"x", "z"}


async def change_at_random(cache: RedisNearCache, ids: list[str], chance: random.Random) -> None:
    for _ in range(150):
        some = chance.sample(ids, chance.randint(1, 4))
        action = chance.random()
        if action < 0.6:
            await cache.get_items(some)
        elif action < 0.85:
            await cache.put_items([Item(id_, title=str(chance.random())) for id_ in some])
        else:
            await cache.drop_items(some)


async def test_after_any_changes_from_several_sides_all_copies_are_those_of_redis(redis_url: str) -> None:
    place, chance = address_of(redis_url), random.Random(7)
    nears, far = [RedisNearCache(place) for _ in range(3)], RedisCache(place)
    ids = [f"i{number}" for number in range(8)]
    for cache in nears:
        await until(cache.keeps_copies)

    await asyncio.gather(*(change_at_random(cache, ids, chance) for cache in nears for _ in range(3)))
    # Words come in order: once the last one is heard, all were.
    await far.put_items([Item("end", title="old")])
    for cache in nears:
        await cache.get_items(["end"])
    await far.put_items([Item("end", title="new")])
    for cache in nears:
        while (await cache.get_items(["end"]))["end"].title != "new":
            await asyncio.sleep(0.005)
    wanted = await far.get_items(ids)
    assert [await cache.get_items(ids) for cache in nears] == [wanted] * 3
    for cache in nears:
        await cache.aclose()
    await far.aclose()


async def test_copies_end_while_redis_hangs(redis_server: LocalServer, tmp_path: Path) -> None:
    assert redis_server.port
    server = LocalServer(REDIS, tmp_path).start()
    cache = RedisNearCache(address_of(server.url))
    try:
        async with asyncio.timeout(30):
            await until(cache.keeps_copies)
            server.freeze()
            await until(lambda: not cache.keeps_copies())
            server.thaw()
            await until(cache.keeps_copies)
    finally:
        server.thaw()
        await cache.aclose()
        server.stop()
