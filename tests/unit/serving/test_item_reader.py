"""Metadata through the cache."""

from collections.abc import Sequence

from streamrec.adapters.memory_cache import MemoryCache
from streamrec.adapters.memory_store import MemoryStore
from streamrec.domain.item import Item
from streamrec.errors import Unavailable
from streamrec.serving.guard import Attempts, Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.telemetry import NullMetrics


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.is_down = False

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        if self.is_down:
            raise Unavailable("down")
        self.asked += item_ids
        return await super().get_items(item_ids)


def reader_of(cache: MemoryCache, store: MemoryStore) -> ItemReader:
    metrics = NullMetrics()
    return ItemReader(cache, Guard("cache", 1.0, metrics), store, Guard("store", 1.0, metrics), metrics)


async def test_the_store_is_asked_once_for_an_item_also_for_one_that_it_does_not_know() -> None:
    store, cache = CountingStore(), MemoryCache()
    await store.put_items([Item("a", title="A")])
    reader = reader_of(cache, store)
    assert await reader.read(["a", "b"], Attempts()) == {"a": Item("a", title="A")}
    await reader.aclose()
    assert await reader.read(["a", "b"], Attempts()) == {"a": Item("a", title="A"), "b": Item("b")}
    assert store.asked == ["a", "b"]


async def test_a_change_is_read_after_it_was_forgotten_also_when_it_waited_to_be_cached() -> None:
    store, cache = CountingStore(), MemoryCache()
    await store.put_items([Item("a", title="old")])
    reader = reader_of(cache, store)
    await reader.read(["a"], Attempts())
    await store.put_items([Item("a", title="new")])
    await reader.forget(["a"])
    await reader.aclose()
    assert (await reader.read(["a"], Attempts()))["a"].title == "new"
    await reader.aclose()


async def test_what_a_store_that_is_down_did_not_say_is_not_cached() -> None:
    store, cache = CountingStore(), MemoryCache()
    reader = reader_of(cache, store)
    store.is_down = True
    attempts = Attempts()
    assert await reader.read(["a"], attempts) == {}
    assert attempts.is_degraded
    await reader.aclose()
    assert await cache.get_items(["a"]) == {}
