"""A Redis that is absent, dies, hangs, is emptied, or does not let us in."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis

from streamrec.adapters.opening import open_cache, open_cache_publisher
from streamrec.adapters.redis.connection import address_of
from streamrec.cli.launch.local_servers import REDIS, LocalServer, free_port
from streamrec.domain.items.item import Item
from streamrec.errors import ConfigurationError, Damaged, InvalidInput, Unavailable
from streamrec.ports import CachePublisher, HotCache, RankedItem
from tests.builders import near

PASSWORD = "p@ss/word:1"
QUOTED = "p%40ss%2Fword%3A1"
RANKING = {"all": [RankedItem("a", 2.5)]}


def sides(url: str, opened: list[Any]) -> tuple[CachePublisher, HotCache]:
    publisher, server = open_cache_publisher(url), open_cache(url)
    opened += [publisher, server]
    return publisher, server


@pytest.fixture
def own_server(redis_server: LocalServer, tmp_path: Path) -> Iterator[LocalServer]:
    """One that the test may kill."""
    assert redis_server.port
    server = LocalServer(REDIS, tmp_path).start()
    yield server
    server.thaw()
    server.stop()


async def test_an_absent_server_is_unavailable_at_each_use_and_named_without_its_password(
    opened: list[Any],
) -> None:
    place = f"127.0.0.1:{free_port()}/0"
    publisher, server = sides(f"redis://me:secret@{place}", opened)
    for _ in range(2):
        with pytest.raises(Unavailable) as at_publisher:
            publisher.publish_popular(RANKING)
        with pytest.raises(Unavailable) as at_server:
            await server.get_items(["a"])
        with pytest.raises(Unavailable):
            await server.popular("all", 3)
        with pytest.raises(Unavailable):
            await server.check()
        for failed in (at_publisher, at_server):
            assert f"redis://me:***@{place}" in str(failed.value)
            assert "secret" not in str(failed.value)
            assert "\n" not in str(failed.value)


async def test_after_a_crash_the_same_clients_go_on(own_server: LocalServer, opened: list[Any]) -> None:
    publisher, server = sides(own_server.url, opened)
    publisher.publish_popular(RANKING)
    await server.put_items([Item("a")])
    own_server.kill()
    with pytest.raises(Unavailable):
        publisher.publish_popular(RANKING)
    with pytest.raises(Unavailable):
        await server.check()
    own_server.start()
    publisher.publish_popular(RANKING)
    await server.check()
    await server.put_items([Item("b", title="B")])
    assert await server.popular("all", 3) == RANKING["all"]
    assert await server.get_items(["a", "b"]) == {"b": Item("b", title="B")}


async def test_a_server_that_hangs_is_given_up_in_time(own_server: LocalServer, opened: list[Any]) -> None:
    publisher, server = sides(f"{own_server.url}?socket_timeout=0.5&socket_connect_timeout=0.5", opened)
    await server.put_items([Item("a", title="A")])
    own_server.freeze()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(server.counters(), 60)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(asyncio.to_thread(publisher.publish_counters, {"n": 1.0}), 60)
    # A caller that gives up before must not leave its answer to the next one.
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(server.counters(), 0.05)
    own_server.thaw()
    assert (await server.get_items(["a"])) == {"a": Item("a", title="A")}
    publisher.publish_counters({"n": 2.0})
    assert await server.counters() == {"n": 2.0}


async def test_everything_comes_back_after_it_was_flushed(redis_url: str, opened: list[Any]) -> None:
    publisher, server = sides(f"{redis_url}?prefix=mine", opened)
    publisher.publish_popular(RANKING)
    publisher.publish_counters({"n": 1.0})
    await server.put_items([Item("a")])
    with redis.Redis.from_url(redis_url) as foreign:
        assert {key.partition(b":")[0] for key in foreign.keys()} == {b"mine"}  # noqa: SIM118
        foreign.flushall()
    publisher.publish_popular(RANKING)
    publisher.publish_counters({"n": 2.0})
    assert await server.popular("all", 3) == RANKING["all"]
    assert await server.counters() == {"n": 2.0}
    await server.put_items([Item("b")])
    assert "b" in await server.get_items(["b"])


async def test_what_others_wrote_under_our_keys_is_read_anew_or_told(
    redis_url: str, opened: list[Any]
) -> None:
    publisher, server = sides(redis_url, opened)
    await server.put_items([Item("good")])
    with redis.Redis.from_url(redis_url) as foreign:
        for number, value in enumerate([b"{", b"\xff", b"[]", b'[{"item_id": 3}, 9e12]']):
            foreign.set(f"streamrec:item:bad{number}", value)
        foreign.zadd("streamrec:popular:all", {"a": 1.0})  # as versions before wrote it
    assert set(await server.get_items(["bad0", "good", "bad1", "bad2", "bad3"])) == {"good"}
    with pytest.raises(Damaged, match="prefix"):
        await server.popular("all", 3)
    publisher.publish_popular(RANKING)
    assert await server.popular("all", 3) == RANKING["all"]


async def test_what_is_no_text_is_refused(redis_url: str, opened: list[Any]) -> None:
    _, server = sides(redis_url, opened)
    with pytest.raises(InvalidInput, match="can't hold"):
        await server.get_items(["half a character: \ud800"])


def test_an_encrypted_connection_is_a_scheme_and_options() -> None:
    place = address_of("rediss://:secret@host/1?ssl_cert_reqs=none&prefix=mine:")
    assert place == ("rediss://:secret@host/1?ssl_cert_reqs=none", "mine")


async def test_a_large_publication_of_rankings_is_whole(redis_url: str, opened: list[Any]) -> None:
    publisher, server = sides(redis_url, opened)
    rankings = {
        f"all:{name}": [RankedItem(f"item-{number}", 3000.0 - number / 7) for number in range(700)]
        for name in range(40)  # more than one transaction takes
    }
    publisher.publish_popular(rankings)
    for name, ranking in rankings.items():
        assert await server.popular(name, 1000) == ranking


async def test_what_no_list_names_is_found_and_others_keys_are_left_alone(
    redis_url: str, opened: list[Any]
) -> None:
    others = ["streamrec", "streamrec:populated", "xstreamrec:popular:all", "streamrec-2:popular:all:x"]
    with redis.Redis.from_url(redis_url) as client:
        for key in ("streamrec:popular:old", "streamrec:popular:old:drama", *others):
            client.zadd(key, {"a": 1.0})
        publisher, server = sides(redis_url, opened)
        publisher.publish_popular(RANKING)
        publisher.drop_popular_but(["all"])
        assert await server.popular("all", 1) == RANKING["all"]
        assert {key.decode() for key in client.scan_iter()} == {
            *others, "streamrec:popular:all", "streamrec:popular-names"
        }  # fmt: skip


@pytest.mark.parametrize("prefix", ["films*", "f?[a-z]", "back\\slash"])
async def test_a_prefix_is_no_pattern(redis_url: str, opened: list[Any], prefix: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("films-2:neighbours:a", "b")
        client.set("fxa:neighbours:a", "b")
        publisher, server = sides(f"{redis_url}?prefix={quote(prefix)}", opened)
        publisher.publish_neighbours({"a": near(("b", 0.5, 1.0, 0.0))})
        publisher.drop_neighbours_but([])
        assert await server.neighbours(["a"]) == {}
        assert len(client.keys()) == 2


@pytest.fixture
def guarded(redis_server: LocalServer, tmp_path: Path) -> Iterator[LocalServer]:
    """One that asks for a password, with a user who may only look."""
    assert redis_server.port
    server = LocalServer(REDIS, tmp_path, extra=("--requirepass", PASSWORD)).start()
    with redis.Redis(port=server.port, password=PASSWORD) as client:
        client.execute_command("ACL", "SETUSER", "reader", "on", f">{PASSWORD}", "~*", "&*", "+ping")
    yield server
    server.stop()


async def test_who_is_refused_is_told_so_in_one_line_without_the_password(
    guarded: LocalServer, opened: list[Any]
) -> None:
    host = f"127.0.0.1:{guarded.port}/0"
    wrong = {
        f"redis://:{QUOTED}x@{host}": f"redis://:***@{host}",
        f"redis://reader:{QUOTED}@{host}": f"redis://reader:***@{host}",
        f"redis://{host}": f"redis://{host}",
    }
    for url, shown in wrong.items():
        publisher, server = sides(url, opened)
        with pytest.raises(ConfigurationError) as at_server:
            await server.get_items(["a"])
        with pytest.raises(ConfigurationError) as at_publisher:
            publisher.publish_popular(RANKING)
        for refused in (at_server, at_publisher):
            error = str(refused.value)
            assert f"STREAMREC_CACHE_URL {shown}" in error
            assert "refused" in error
            assert PASSWORD not in error
            assert QUOTED not in error
            assert "\n" not in error
    publisher, server = sides(f"redis://:{QUOTED}@{host}", opened)
    publisher.publish_popular(RANKING)
    await server.check()


@pytest.mark.parametrize(
    "url",
    ["redis://host:port/0", "redis://host/films", "redis://host/0?sokcet_timeout=1", "redis://[::1/0",
     "redis://host/0?socket_timeout=soon"],
)  # fmt: skip
def test_a_wrong_url_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(ConfigurationError, match="STREAMREC_CACHE_URL"):
        address_of(url)
