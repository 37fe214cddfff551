"""Contract of every document store's lists made beforehand."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pymongo
import pytest

from streamrec.adapters.memory.store import MemoryStore
from streamrec.adapters.opening import open_store
from streamrec.domain.items.batch_lists import Batch, ListedItem
from streamrec.errors import Damaged
from streamrec.ports import BatchListCatalog

ODD = ("ü/ %\U0001f3ac", "$.a", "x" * 256, "0", "null")


class Held(NamedTuple):
    lists: BatchListCatalog
    url: str


@pytest.fixture(params=["memory", "sqlite", "mongodb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Held]:
    if request.param == "memory":
        yield Held(MemoryStore(), "memory")
        return
    is_mongodb = request.param == "mongodb"
    url = request.getfixturevalue("mongo_url") if is_mongodb else f"sqlite:///{tmp_path}/store.db"
    opened = open_store(url)
    yield Held(opened, url)
    await opened.aclose()


def of(*item_ids: str) -> list[ListedItem]:
    return [ListedItem(item_id, 1 / (n + 1)) for n, item_id in enumerate(item_ids)]


def batch(name: str = "als", version: int = 1) -> Batch:
    return Batch(name, version, 2, 1.5, "ab12")


async def test_lists_are_read_as_they_were_put(store: Held) -> None:
    lists = {user_id: of(*ODD[n:]) for n, user_id in enumerate(ODD)} | {"empty": []}
    await store.lists.put_batch_lists("als", 1, lists)
    await store.lists.put_batch_lists("als", 1, {})
    for user_id, items in lists.items():
        assert await store.lists.get_batch_list(batch(), user_id) == items
    assert await store.lists.get_batch_list(batch(), "unknown") is None
    assert await store.lists.get_batch_list(batch("other"), ODD[0]) is None
    assert await store.lists.get_batch_list(batch(version=2), ODD[0]) is None


async def test_what_is_put_again_is_replaced(store: Held) -> None:
    for items in (of("a", "b"), of("c")):
        await store.lists.put_batch_lists("als", 1, {"u": items})
    assert await store.lists.get_batch_list(batch(), "u") == of("c")


async def test_nothing_counts_before_it_is_published_and_the_version_before_is_deleted(store: Held) -> None:
    assert await store.lists.get_batches() == []
    for version in (1, 2, 7):
        await store.lists.put_batch_lists("als", version, {"u": of(f"i{version}")})
    await store.lists.put_batch_lists("other", 1, {"u": of("o")})
    await store.lists.publish_batch(batch("other"))
    await store.lists.publish_batch(batch(version=2))
    assert await store.lists.get_batches() == [batch(version=2), batch("other")]
    assert await store.lists.get_batch_list(batch(version=2), "u") == of("i2")
    assert await store.lists.get_batch_list(batch(version=1), "u") is None
    assert await store.lists.get_batch_list(batch(version=7), "u") is None
    assert await store.lists.get_batch_list(batch("other"), "u") == of("o")


async def test_many_lists_of_another_version_are_all_deleted(store: Held) -> None:
    for first in range(0, 6_000, 1_000):
        some = {f"u{n}": of("a") for n in range(first, first + 1_000)}
        await store.lists.put_batch_lists("als", 1, some)
    await store.lists.publish_batch(batch(version=2))
    assert [await store.lists.get_batch_list(batch(), f"u{n}") for n in (0, 2_999, 5_999)] == [None] * 3


async def test_lists_of_some_users_are_dropped_from_one_version(store: Held) -> None:
    for version in (1, 2):
        await store.lists.put_batch_lists("als", version, {user: of("a") for user in ("u", "v", "w")})
    assert await store.lists.drop_batch_lists("als", 1, ["u", "w", "unknown"]) == 2
    assert await store.lists.drop_batch_lists("als", 1, []) == 0
    assert await store.lists.get_batch_list(batch(), "u") is None
    assert await store.lists.get_batch_list(batch(), "v") == of("a")
    assert await store.lists.get_batch_list(batch(version=2), "u") == of("a")


async def test_a_deleted_batch_is_gone_with_all_of_its_lists(store: Held) -> None:
    for name in ("als", "other"):
        await store.lists.put_batch_lists(name, 1, {"u": of("a")})
        await store.lists.publish_batch(batch(name))
    await store.lists.put_batch_lists("als", 2, {"u": of("b")})
    assert await store.lists.delete_batch("als")
    assert not await store.lists.delete_batch("als")
    assert await store.lists.get_batches() == [batch("other")]
    assert await store.lists.get_batch_list(batch(), "u") is None
    assert await store.lists.get_batch_list(batch(version=2), "u") is None
    assert await store.lists.get_batch_list(batch("other"), "u") == of("a")


async def test_an_erased_user_has_no_list_whether_published_or_not(store: Held) -> None:
    for name, version in (("als", 1), ("als", 2), ("other", 1)):
        await store.lists.put_batch_lists(name, version, {"u": of("a"), "u2": of("a")})
    await store.lists.erase_batch_lists("u")
    await store.lists.erase_batch_lists("nobody")
    for one in (batch(), batch(version=2), batch("other")):
        assert await store.lists.get_batch_list(one, "u") is None
        assert await store.lists.get_batch_list(one, "u2") == of("a")


async def test_what_is_damaged_hides_nothing_else(store: Held) -> None:
    if store.url == "memory":
        pytest.skip("what is in memory is not written by others")
    for name in ("als", "bad"):
        await store.lists.put_batch_lists(name, 1, {"u": of("a"), "v": of("b")})
        await store.lists.publish_batch(batch(name))
    _spoil(store.url)
    assert await store.lists.get_batches() == [batch("als")]
    with pytest.raises(Damaged):
        await store.lists.get_batch_list(batch(), "u")
    assert await store.lists.get_batch_list(batch(), "v") == of("b")


def _spoil(url: str) -> None:
    if url.startswith("mongodb"):
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            database = client.get_default_database("streamrec")
            database["batches"].update_one({"_id": "bad"}, {"$set": {"document": '{"name":"als"'}})
            database["batch_lists"].update_one(
                {"_id": {"batch": "als", "version": 1, "user_id": "u"}}, {"$set": {"items": "[[1"}}
            )
        return
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    with connection:
        connection.execute("UPDATE batches SET document = '{\"name\":\"als\"' WHERE name = 'bad'")
        connection.execute("UPDATE batch_lists SET items = '[[1' WHERE name = 'als' AND user_id = 'u'")
    connection.close()
