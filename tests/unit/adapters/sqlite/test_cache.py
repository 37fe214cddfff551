"""Copies of metadata that a process has of a cache in SQLite."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.sqlite.cache import SqliteCache
from streamrec.adapters.sqlite.cache_publisher import SqliteCachePublisher
from streamrec.adapters.sqlite.connection import BUSY_TIMEOUT_S
from streamrec.domain.items.item import Item
from streamrec.errors import Unavailable
from streamrec.ports import RankedItem

IDS = ["a", "b", "1' OR 1 --", "<script>", "é/ü", "x" * 10_000]


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Caches:
    """Two processes with one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.one, self.other = (SqliteCache(path, item_ttl_s=60.0, clock=self.clock) for _ in range(2))


def write(path: Path, statements: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()


@pytest.fixture
async def caches(tmp_path: Path) -> AsyncIterator[Caches]:
    made = Caches(tmp_path / "cache.db")
    await made.one.put_items([Item(item_id, title="old") for item_id in IDS])
    yield made
    await made.one.aclose()
    await made.other.aclose()


async def test_what_nobody_changed_is_read_once(caches: Caches) -> None:
    first, again = await caches.one.get_items(IDS), await caches.one.get_items([*IDS, "not there"])
    assert first == {item_id: Item(item_id, title="old") for item_id in IDS} == again
    assert all(first[item_id] is again[item_id] for item_id in IDS)


@pytest.mark.parametrize("item_id", IDS)
async def test_what_somebody_changed_is_read_at_once(caches: Caches, item_id: str) -> None:
    for turn in range(5):
        for writer in (caches.one, caches.other):
            for reader in (caches.one, caches.other):
                await reader.get_items(IDS)
            new = Item(item_id, title=f"new {turn}", is_hidden=True)
            await writer.put_items([new])
            for reader in (caches.one, caches.other):
                assert (await reader.get_items(IDS))[item_id] == new
            await writer.drop_items([item_id])
            for reader in (caches.one, caches.other):
                assert item_id not in await reader.get_items(IDS)


async def test_copies_end_with_what_they_are_of(caches: Caches) -> None:
    caches.clock.now += 30
    await caches.one.put_items([Item("later")])
    assert len(await caches.one.get_items(["a", "later"])) == 2
    caches.clock.now += 30
    assert list(await caches.one.get_items(["a", "later"])) == ["later"]
    caches.clock.now += 30
    assert await caches.one.get_items(["a", "later"]) == {}
    caches.clock.now -= 60
    assert len(await caches.one.get_items(["a", "later"])) == 2
    assert len(await caches.one.last_known(["a", "later"])) == 2


async def test_publications_and_what_is_filled_in_cost_no_reading(caches: Caches) -> None:
    first = await caches.one.get_items(IDS)
    publisher = SqliteCachePublisher(caches.path)
    publisher.publish_popular({"all": [RankedItem("a", 1.0)]})
    publisher.close()
    await caches.other.put_items([Item("new"), *first.values()])
    again = await caches.one.get_items(IDS)
    assert all(first[item_id] is again[item_id] for item_id in IDS)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM items WHERE item_id = 'a'",
        "UPDATE items SET document = ''",
        "UPDATE item_changes SET n = CAST(x'5bff5d' AS TEXT); DELETE FROM items WHERE item_id = 'a'",
        "UPDATE item_changes SET n = 9e999; DELETE FROM items WHERE item_id = 'a'",
        "UPDATE item_changes SET n = 9223372036854775807; DELETE FROM items WHERE item_id = 'a'",
        "DELETE FROM item_changes; DELETE FROM items WHERE item_id = 'a'",
    ],
)
async def test_what_anybody_wrote_is_seen(caches: Caches, statement: str) -> None:
    assert "a" in await caches.one.get_items(IDS)
    for part in statement.split("; "):
        assert "a" in await caches.one.get_items(IDS)
        write(caches.path, part)
    for _ in range(2):
        assert "a" not in await caches.one.get_items(IDS)


async def test_a_document_that_is_damaged_is_not_there_and_hides_no_other(caches: Caches) -> None:
    write(caches.path, "UPDATE items SET document = '{' WHERE item_id = 'a'")
    for _ in range(2):
        assert (await caches.one.get_items(IDS)).keys() == set(IDS) - {"a"}


async def test_writers_do_not_queue_up_behind_a_file_that_another_holds(tmp_path: Path) -> None:
    cache = SqliteCache(tmp_path / "cache.db")
    await cache.put_items([Item("a")])
    with closing(sqlite3.connect(tmp_path / "cache.db", isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        writes = (cache.forget_steps(f"u{number}") for number in range(5))
        failures = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(failure) for failure in failures] == [Unavailable] * 5
    assert time.monotonic() - started < 3 * BUSY_TIMEOUT_S  # each in turn: five times
    await cache.forget_steps("u")
    await cache.aclose()
