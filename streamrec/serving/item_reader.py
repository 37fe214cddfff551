"""Item metadata, read through the hot cache."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence

from streamrec.domain.item import Item
from streamrec.errors import StreamrecError
from streamrec.ports import HotCache, ItemCatalog, Metrics
from streamrec.serving.guard import Attempts, Guard

FILL_PAUSE_S = 0.1
"""What was missing in the cache is written there together, so often: one write instead of one an answer."""

READ_AGAIN_AFTER_S = 120.0
"""What is in use is read from the store again after so long: well before a cache lets go of it."""

_MAX_NOTED = 50_000
"""Items whose age is known; of the others some expire in the cache, and an answer waits for the store."""


class ItemReader:
    """Reads the cache first, then the store, and remembers in the cache what only the store knew.

    That an item has no metadata is remembered too, as an empty `Item`. What is in use is read anew beside the
    answers, so that none waits for an item that expires.

    Parameters
    ----------
    clock
        Seconds; only differences count.
    """

    def __init__(
        self,
        cache: HotCache,
        cache_guard: Guard,
        catalog: ItemCatalog,
        catalog_guard: Guard,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = cache
        self._cache_guard = cache_guard
        self._catalog = catalog
        self._catalog_guard = catalog_guard
        self._metrics = metrics
        self._clock = clock
        self._read_at: dict[str, float] = {}
        self._ageing: set[str] = set()
        self._pending: dict[str, Item] = {}
        self._filling: asyncio.Task[None] | None = None

    async def read(self, item_ids: Sequence[str], attempts: Attempts) -> dict[str, Item]:
        """Return what is known of these items; without metadata where neither side answers."""
        nothing: dict[str, Item] = {}
        found = await attempts.of(self._cache_guard, lambda: self._cache.get_items(item_ids), nothing)
        self._note_ages(found)
        missing = [item_id for item_id in item_ids if item_id not in found]
        self._metrics.count("recommender.item_cache.hits", len(item_ids) - len(missing))
        self._metrics.count("recommender.item_cache.misses", len(missing))
        if not missing:
            return found
        stored = await attempts.of(self._catalog_guard, lambda: self._catalog.get_items(missing), None)
        if stored is None:
            return found
        if self._catalog_guard.name in attempts.failed:  # then what is not here may be there, and damaged
            self._fill_later(stored.values())
        else:
            self._fill_later(stored.get(item_id) or Item(item_id) for item_id in missing)
        return found | stored

    async def forget(self, item_ids: Sequence[str]) -> None:
        """Drop what is cached of items that changed.

        Raises
        ------
        Unavailable
            When the cache does not answer; what it holds expires by itself.
        """
        for item_id in item_ids:
            self._pending.pop(item_id, None)
            self._ageing.discard(item_id)
        await self._cache.drop_items(item_ids)

    async def aclose(self) -> None:
        """Write what waits to be written."""
        if self._filling is not None:
            await self._filling

    def _note_ages(self, item_ids: Iterable[str]) -> None:
        now = self._clock()
        due = [id_ for id_ in item_ids if now - self._read_at.setdefault(id_, now) >= READ_AGAIN_AFTER_S]
        if due:
            self._read_at.update(dict.fromkeys(due, now))
            self._ageing.update(due)
            self._fill_later(())
        while len(self._read_at) > _MAX_NOTED:
            del self._read_at[next(iter(self._read_at))]

    def _fill_later(self, items: Iterable[Item]) -> None:
        self._pending.update((item.item_id, item) for item in items)
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._fill())

    async def _fill(self) -> None:
        await asyncio.sleep(FILL_PAUSE_S)
        # Without effect on any answer: what could not be read anew or cached is asked of the store once more.
        with contextlib.suppress(StreamrecError):
            await self._read_again()
        items, self._pending = list(self._pending.values()), {}
        with contextlib.suppress(StreamrecError):
            await self._cache_guard.call(lambda: self._cache.put_items(items))

    async def _read_again(self) -> None:
        if self._ageing:
            item_ids, self._ageing = list(self._ageing), set()
            stored = await self._catalog_guard.call(lambda: self._catalog.get_items(item_ids))
            self._pending |= {item_id: stored.get(item_id) or Item(item_id) for item_id in item_ids}
