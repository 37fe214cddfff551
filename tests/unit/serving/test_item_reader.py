"""Metadata through the cache."""

import asyncio
from collections.abc import Mapping, Sequence

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.items.item import Item, ItemVersions
from streamrec.errors import Unavailable
from streamrec.ports import NO_VERSIONS
from streamrec.serving.guard import Answered, Guard
from streamrec.serving.item_reader import READ_AGAIN_AFTER_S, ItemReader
from streamrec.telemetry import NullMetrics
from tests.builders import SteppingClock


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.is_down = False

    async def get_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        if self.is_down:
            raise Unavailable("down")
        self.asked += item_ids
        return await super().get_versions(item_ids)


def reader_of(cache: MemoryCache, store: MemoryStore, clock: SteppingClock | None = None) -> ItemReader:
    metrics = NullMetrics()
    guards = Guard("cache", 1.0, metrics), Guard("store", 1.0, metrics)
    return ItemReader(cache, guards[0], store, guards[1], metrics, clock or SteppingClock())


async def test_the_store_is_asked_once_for_an_item_also_for_one_that_it_does_not_know() -> None:
    store, cache = CountingStore(), MemoryCache()
    await store.put_items([Item("a", title="A")])
    reader = reader_of(cache, store)
    assert await reader.read(["a", "b"]) == Answered({"a": Item("a", title="A")})
    await reader.aclose()
    assert await reader.read(["a", "b"]) == Answered({"a": Item("a", title="A"), "b": Item("b")})
    assert store.asked == ["a", "b"]


async def test_a_change_is_read_after_it_was_forgotten_also_when_it_waited_to_be_cached() -> None:
    store, cache = CountingStore(), MemoryCache()
    await store.put_items([Item("a", title="old")])
    reader = reader_of(cache, store)
    await reader.read(["a"])
    await store.put_items([Item("a", title="new")])
    await reader.note_changes(["a"])
    await reader.aclose()
    assert (await reader.read(["a"])).value["a"].title == "new"
    await reader.aclose()


async def test_what_a_store_that_is_down_did_not_say_is_not_cached() -> None:
    store, cache = CountingStore(), MemoryCache()
    reader = reader_of(cache, store)
    store.is_down = True
    assert await reader.read(["a"]) == Answered({}, frozenset({"store"}))
    await reader.aclose()
    assert await cache.get_items(["a"]) == {}


async def test_what_is_in_use_is_read_from_the_store_again_beside_the_answers() -> None:
    clock, store = SteppingClock(), CountingStore()
    cache = MemoryCache(item_ttl_s=2 * READ_AGAIN_AFTER_S, clock=clock)
    reader = reader_of(cache, store, clock)
    await store.put_items([Item("a", title="old")])
    for _ in range(2):
        await reader.read(["a", "b"])
        await reader.aclose()
    await store.put_items([Item("a", title="new")])  # and nobody tells the cache
    asked_before = len(store.asked)
    for _ in range(4):
        clock.now += READ_AGAIN_AFTER_S
        # An answer never waits for the store; the store's news come with the next one.
        assert "b" in (await reader.read(["a", "b"])).value
        await reader.aclose()
    assert (await reader.read(["a"])).value["a"].title == "new"
    assert sorted(store.asked[asked_before:]) == ["a"] * 4 + ["b"] * 4


async def test_a_store_that_is_down_spoils_nothing_that_is_cached() -> None:
    clock, store, cache = SteppingClock(), CountingStore(), MemoryCache()
    reader = reader_of(cache, store, clock)
    await store.put_items([Item("a", title="A")])
    await reader.read(["a"])
    await reader.aclose()
    await reader.read(["a"])
    store.is_down = True
    clock.now += READ_AGAIN_AFTER_S
    for _ in range(2):
        assert await reader.read(["a"]) == Answered({"a": Item("a", title="A")})
        await reader.aclose()


class SlowToWrite(MemoryCache):
    """A cache that takes its time to take something in, and answers at once."""

    async def put_items(self, items: Sequence[Item], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        await asyncio.sleep(0.2)
        await super().put_items(items, versions)


async def test_what_is_written_beside_answers_costs_none_of_them_the_cache() -> None:
    store, metrics = CountingStore(), NullMetrics()
    guard = Guard("cache", 0.05, metrics)
    reader = ItemReader(SlowToWrite(), guard, store, Guard("store", 1.0, metrics), metrics)
    await reader.read(["a"])
    await reader.aclose()  # by then the write was given up
    assert (await reader.read(["a"])).failed == frozenset()
    await reader.aclose()
