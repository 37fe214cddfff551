"""Keys of ours in Redis that hold a value of another kind: a list where a set is wanted."""

from collections.abc import AsyncIterator
from contextlib import closing

import pytest
import redis

from streamrec.adapters.opening import open_cache, open_cache_publisher
from streamrec.domain.bars.bar import PACKED_BYTES, BarsSpan, BarsUpdate
from streamrec.domain.items.item import Item
from streamrec.errors import Damaged
from streamrec.ports import CachePublisher, HotCache, Lease, RankedItem
from tests.builders import near

KEYS = [
    "popular:all", "popular-names", "neighbours:a", "blend", "counters", "history-span", "history:a",
    "item:a", "fence:trainer",
]  # fmt: skip
RANKING = {"all": [RankedItem("a", 2.5)]}


def spoil(url: str) -> None:
    with redis.Redis.from_url(url) as foreign:
        for name in KEYS:
            key = f"streamrec:{name}"
            foreign.delete(key)
            foreign.rpush(key, "one", "two")


@pytest.fixture
async def server(redis_url: str) -> AsyncIterator[HotCache]:
    cache = open_cache(redis_url)
    yield cache
    await cache.aclose()


def publish_all(publisher: CachePublisher) -> None:
    publisher.publish_popular(RANKING)
    publisher.drop_popular_but(["all"])
    publisher.publish_neighbours({"a": near(("b", 0.5, 1.0, 0.0))})
    publisher.drop_neighbours_but(["a"])
    publisher.publish_counters({"n": 1.0})
    publisher.publish_items([Item("a", is_hidden=True)], {"a": 3})
    bar = bytes(PACKED_BYTES)
    publisher.publish_bars(BarsUpdate(BarsSpan(60.0, 5), {"a": bar, "b": bar}, []))


async def test_who_publishes_replaces_and_counts_them(redis_url: str, server: HotCache) -> None:
    replaced: list[int] = []
    with closing(open_cache_publisher(redis_url, replaced.append)) as publisher:
        publisher.write_under(lambda: Lease("trainer", "me", 7, 1e12))
        publish_all(publisher)
        assert not replaced
        spoil(redis_url)
        publish_all(publisher)
    assert sum(replaced) == 2  # the names of rankings, and a history: the rest is written over anyway
    assert await server.popular("all", 3) == RANKING["all"]
    assert await server.counters() == {"n": 1.0}
    assert (await server.get_items(["a"]))["a"].is_hidden
    with redis.Redis.from_url(redis_url) as foreign:
        assert foreign.type("streamrec:history:a") == b"hash"
        assert foreign.get("streamrec:fence:trainer") == b"7"


async def test_rankings_that_only_a_lost_list_named_are_removed(redis_url: str, server: HotCache) -> None:
    with closing(open_cache_publisher(redis_url)) as publisher:
        publisher.publish_popular({"old": RANKING["all"]})
        publisher.drop_popular_but(["old"])
        spoil(redis_url)
        publisher.publish_popular(RANKING)
        publisher.drop_popular_but(["all"])
    assert await server.popular("old", 3) == []
    assert await server.popular("all", 3) == RANKING["all"]


async def test_who_reads_finds_them_damaged_and_writes_items_over_them(
    redis_url: str, server: HotCache
) -> None:
    spoil(redis_url)
    for read in (server.popular("all", 3), server.counters(), server.blend(), server.history("a")):
        with pytest.raises(Damaged, match="prefix"):
            await read
    assert await server.get_items(["a"]) == {}
    assert await server.neighbours(["a"]) == {}
    await server.put_items([Item("a", title="A")])
    assert await server.get_items(["a"]) == {"a": Item("a", title="A")}
