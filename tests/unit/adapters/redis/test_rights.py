"""The rights in Redis that `docs/how-to/deployment.md` names are those that are needed."""

import re
from collections.abc import Iterator
from contextlib import aclosing, closing
from pathlib import Path

import pytest
import redis

from streamrec.adapters.opening import open_cache, open_cache_publisher
from streamrec.cli.launch.local_servers import REDIS, LocalServer
from streamrec.domain.items.item import Item
from streamrec.errors import ConfigurationError
from streamrec.ports import Lease
from tests.unit.adapters.redis.test_kinds import RANKING, publish_all, spoil

PAGE = Path(__file__).parents[4] / "docs/how-to/deployment.md"


def documented_rights() -> list[str]:
    found = re.search(r"ACL SETUSER streamrec on >PASSWORD (.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    return found[1].split()


@pytest.fixture
def server(redis_server: LocalServer, tmp_path: Path) -> Iterator[LocalServer]:
    assert redis_server.port
    server = LocalServer(REDIS, tmp_path).start()
    yield server
    server.stop()


def let_in(server: LocalServer, rights: list[str]) -> str:
    with redis.Redis(port=server.port) as admin:
        admin.execute_command("ACL", "SETUSER", "streamrec", "reset", "on", ">word", *rights)
    return f"redis://streamrec:word@127.0.0.1:{server.port}/0"


async def use_all(url: str, server: LocalServer) -> None:
    with closing(open_cache_publisher(url)) as publisher:
        publisher.write_under(lambda: Lease("trainer", "me", 7, 1e12))
        publish_all(publisher)
        spoil(f"redis://127.0.0.1:{server.port}/0")
        publish_all(publisher)
        publisher.publish_popular({"gone": RANKING["all"]})
        publisher.drop_popular_but(["all"])
    async with aclosing(open_cache(url)) as cache:
        await cache.check()
        assert await cache.popular("all", 3) == RANKING["all"]
        await cache.counters()
        await cache.history("a")
        await cache.neighbours(["a"])
        await cache.put_items([Item("x", title="X")])
        await cache.drop_items(["x"])
        await cache.get_items(["x"])


async def test_the_rights_that_are_named_are_enough(server: LocalServer) -> None:
    await use_all(let_in(server, documented_rights()), server)


@pytest.mark.parametrize("right", ["+eval", "+watch", "+scan"])
async def test_without_one_of_them_it_is_said(server: LocalServer, right: str) -> None:
    rights = [other for other in documented_rights() if other != right]
    with pytest.raises(ConfigurationError, match="refused"):
        await use_all(let_in(server, rights), server)
