"""A Redis that becomes a replica, and those that are of another kind than the one we need."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis

from streamrec.adapters.opening import open_cache, open_cache_publisher
from streamrec.cli.launch.local_servers import REDIS, LocalServer, free_port
from streamrec.domain.bars.bar import BarsSpan, BarsUpdate
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.errors import ConfigurationError
from streamrec.ports import CachePublisher, HotCache, RankedItem
from tests.builders import near
from tests.conftest import running
from tests.forwarder import Forwarder

PATIENCE_S = 120.0

RANKINGS = {"all": [RankedItem("a", 2.5)], "week": [RankedItem("b", 1.0)]}


class Pair(NamedTuple):
    """A master, its replica, and the way by which clients come."""

    old: LocalServer
    new: LocalServer
    way: Forwarder

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.way.port}/0"

    def fail_over(self) -> None:
        """Let master and replica change places; connections that stand stay."""
        with client(self.old) as old, client(self.new) as new:
            new.replicaof("NO", "ONE")
            old.replicaof("127.0.0.1", self.new.port)
            until(lambda: old.info("replication")["master_link_status"] == "up")
        self.way.target = self.new.port


def client(server: LocalServer) -> "redis.Redis":
    return redis.Redis(port=server.port)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def until_so(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


@pytest.fixture
def pair(redis_server: LocalServer, tmp_path: Path) -> Iterator[Pair]:
    assert redis_server.port  # else this test is skipped, too
    (tmp_path / "new").mkdir()
    old, new = LocalServer(REDIS, tmp_path).start(), LocalServer(REDIS, tmp_path / "new").start()
    with client(new) as replica:
        replica.replicaof("127.0.0.1", old.port)
        until(lambda: replica.info("replication")["master_link_status"] == "up")
    way = Forwarder(old.port)
    yield Pair(old, new, way)
    way.close()
    old.stop()
    new.stop()


def publish_all(publisher: CachePublisher) -> None:
    publisher.publish_popular(RANKINGS)
    publisher.publish_neighbours({"a": near(("b", 1.0, 1.0, 1.0)), "c": near()})
    publisher.publish_blend(BlendRanker(("popular",)).published())
    publisher.publish_counters({"n": 1.0})
    publisher.publish_bars(BarsUpdate(BarsSpan(60.0, 60), {}, ["gone"]))


async def test_writers_follow_a_fail_over_by_themselves(pair: Pair, opened: list[Any]) -> None:
    publisher, server = open_cache_publisher(pair.url), open_cache(pair.url)
    opened += [publisher, server]
    publish_all(publisher)
    # Several connections, each of which stands with the old master.
    await asyncio.gather(*(server.put_items([Item(f"i{number}")]) for number in range(8)))
    pair.fail_over()
    with client(pair.new) as new:
        new.flushall()
        publish_all(publisher)
        await asyncio.gather(*(server.put_items([Item(f"j{number}")]) for number in range(8)))
        assert new.exists("streamrec:popular:all", "streamrec:popular:week", "streamrec:counters") == 3
        assert new.exists(*(f"streamrec:item:j{number}" for number in range(8))) == 8
    await server.drop_items(["j0"])
    assert set(await server.get_items(["j0", "j1"])) == {"j1"}


async def test_copies_in_the_servers_follow_a_fail_over(pair: Pair, opened: list[Any]) -> None:
    one, two = open_cache(pair.url), open_cache(pair.url)
    opened += [one, two]
    await one.put_items([Item("a", title="old")])

    async def is_kept_by_two(title: str) -> bool:
        return (await two.get_items(["a"])).get("a") == Item("a", title=title)

    await until_so(lambda: is_kept_by_two("old"))
    await until_so(lambda: keeps_copies(two))
    pair.fail_over()
    await one.put_items([Item("a", title="new")])
    await until_so(lambda: is_kept_by_two("new"))


async def keeps_copies(cache: HotCache) -> bool:
    return cache.keeps_copies()  # type: ignore[attr-defined,no-any-return]


async def test_a_replica_that_lost_its_master_is_left(pair: Pair, opened: list[Any]) -> None:
    server = open_cache(pair.url)
    opened.append(server)
    await server.put_items([Item("a")])
    with client(pair.old) as old, client(pair.new) as new:
        new.replicaof("NO", "ONE")
        old.config_set("replica-serve-stale-data", "no")
        old.replicaof("127.0.0.1", free_port())
    pair.way.target = pair.new.port
    assert await server.get_items(["a"]) == {"a": Item("a")}
    await server.counters()


def of_cluster(folder: Path, *, has_slots: bool) -> LocalServer:
    server = LocalServer(REDIS, folder, extra=("--cluster-enabled", "yes")).start()
    if has_slots:
        with client(server) as node:
            node.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
            until(lambda: b"cluster_state:ok" in node.execute_command("CLUSTER", "INFO"))
    return server


@pytest.mark.parametrize("has_slots", [True, False])
@pytest.mark.parametrize("query", ["", "?prefix={films}"])
async def test_a_cluster_is_told_at_the_first_use(
    redis_server: LocalServer, tmp_path: Path, opened: list[Any], has_slots: bool, query: str
) -> None:
    assert redis_server.port
    server = of_cluster(tmp_path, has_slots=has_slots)
    try:
        url = f"{server.url}/0{query}"
        publisher, cache = open_cache_publisher(url), open_cache(url)
        opened += [publisher, cache]
        if has_slots and query:
            # All keys are of one slot then, and the one node has it.
            publisher.publish_popular(RANKINGS)
            await cache.check()
            assert await cache.popular("all", 3) == RANKINGS["all"]
            return
        with pytest.raises(ConfigurationError, match="STREAMREC_CACHE_URL .* is in cluster mode"):
            publisher.publish_counters({"n": 1.0})
        with pytest.raises(ConfigurationError, match="is in cluster mode"):
            await cache.check()
    finally:
        server.stop()


async def test_a_sentinel_is_no_redis(tmp_path: Path, opened: list[Any]) -> None:
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text("")

    def arguments(port: int, _folder: Path) -> list[str]:
        return [str(configuration), "--sentinel", "--port", str(port)]

    for server in running(REDIS._replace(arguments=arguments), tmp_path):
        publisher, cache = open_cache_publisher(server.url), open_cache(server.url)
        opened += [publisher, cache]
        with pytest.raises(ConfigurationError, match="a Sentinel"):
            publisher.publish_popular(RANKINGS)
        with pytest.raises(ConfigurationError, match="a Sentinel"):
            await cache.check()


async def test_a_database_that_redis_does_not_have_is_told(redis_url: str, opened: list[Any]) -> None:
    cache = open_cache(redis_url.removesuffix("/0") + "/99")
    opened.append(cache)
    with pytest.raises(ConfigurationError, match="no database of this number"):
        await cache.check()
