"""Seen items stay within a bound a user, in every store; entries that ran out of the cache go."""

import asyncio
import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from streamrec.adapters.mongo.connection import address_of
from streamrec.adapters.mongo.retention import MongoSeenRetention
from streamrec.adapters.opening import open_store, open_trainer_store
from streamrec.adapters.sqlite.cache import SqliteCache
from streamrec.adapters.sqlite.connection import path_of
from streamrec.adapters.sqlite.retention.store import (
    SqliteCacheRetention,
    SqliteDeletedItemsRetention,
    SqliteSeenRetention,
)
from streamrec.domain.items.item import Item
from streamrec.domain.users.user import UserState
from streamrec.ports import UserUpdates


@pytest.fixture(params=["sqlite", "mongodb"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("mongo_url")
    return url


def retention(url: str, n_kept: int) -> SqliteSeenRetention | MongoSeenRetention:
    if url.startswith("sqlite:"):
        return SqliteSeenRetention(path_of(url), n_kept)
    return MongoSeenRetention(address_of(url), n_kept)


async def seen_of(url: str, user_id: str) -> list[str]:
    store = open_store(url)
    found = await store.seen_items(user_id, 10_000)
    await store.aclose()
    return found


def test_the_newest_seen_items_of_each_user_stay(store_url: str) -> None:
    store = open_trainer_store(store_url)
    lease = store.acquire("trainer", "test", 60.0, 0.0)
    assert lease is not None
    numbers = {"few": 5, "many": 700, "most": 4_500, "same-moment": 300}
    states = [UserState(user_id, "g", b"", n_events=n) for user_id, n in numbers.items()]
    seen = [(user_id, f"i{n}", 1.0 * n) for user_id, n_items in numbers.items() for n in range(n_items)]
    seen += [("same-moment", f"j{n}", 1e6) for n in range(300)]
    store.publish_users(UserUpdates(states, seen), lease)
    pruning = retention(store_url, 100)
    assert pruning.prune() == 600 + 4_400 + 500
    assert pruning.prune() == 0
    assert asyncio.run(seen_of(store_url, "many")) == [f"i{n}" for n in range(699, 599, -1)]
    assert asyncio.run(seen_of(store_url, "most")) == [f"i{n}" for n in range(4_499, 4_399, -1)]
    assert len(asyncio.run(seen_of(store_url, "few"))) == 5
    assert len(asyncio.run(seen_of(store_url, "same-moment"))) == 100
    pruning.close()
    store.close()


def test_metadata_that_ran_out_leaves_the_cache(tmp_path: Path) -> None:
    path, now = tmp_path / "cache.db", 1000.0

    async def fill() -> None:
        for first, at in ((0, now - 400), (5000, now)):
            cache = SqliteCache(path, clock=partial(float, at))
            await cache.put_items([Item(f"i{n}") for n in range(first, first + 5000)])
            await cache.aclose()

    asyncio.run(fill())
    pruning = SqliteCacheRetention(path, lambda: now)
    assert (pruning.prune(), pruning.prune()) == (5000, 0)
    pruning.close()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*), min(item_id) FROM items").fetchone() == (5000, "i5000")


async def test_deleted_items_go_once_no_copy_can_be_left(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    store = open_store(url)
    await store.put_items([Item(f"i{n}") for n in range(5_000)])
    for n in range(4_990):
        await store.delete_item(f"i{n}")
    gone = SqliteDeletedItemsRetention(path_of(url), age_s=60.0)
    assert gone.prune() == 0
    later = SqliteDeletedItemsRetention(path_of(url), age_s=60.0, clock=lambda: time.time() + 61.0)
    assert later.prune() == 4_990
    assert later.prune() == 0
    before = (await store.get_versions(["i4999"])).versions["i4999"]
    await store.put_items([Item("i0"), Item("i4999")])
    versions = (await store.get_versions(["i0", "i4999"])).versions
    assert versions["i0"] >= before, "the clock goes on where the version was forgotten"
    with closing(sqlite3.connect(path_of(url))) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (11,)
    for part in (gone, later):
        part.close()
    await store.aclose()
