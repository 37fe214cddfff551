"""Item metadata, read through the hot cache."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from streamrec.domain.items.item import Item, ItemVersions
from streamrec.ending_tasks import end_tasks
from streamrec.errors import StreamrecError
from streamrec.log_limits import warn_seldom
from streamrec.ports import HotCache, ItemCatalog, Metrics
from streamrec.serving.guard import Answered, Guard
from streamrec.serving.hidden_items import HiddenItems

FILL_PAUSE_S = 0.1
"""Items missing in the cache are written there together, so often: one write instead of one an answer."""

READ_AGAIN_AFTER_S = 120.0
"""Items in use are read from the store again after so long: well before a cache lets go of it."""

TOLD_AGAIN_AFTER_S = 0.1
"""A cache that was away when an item changed is told of it so soon after it comes back."""

MAX_UNTOLD = 100_000
"""Changes that wait for a cache that is away; of those beyond, the oldest are seen when the copies end."""

_TOLD_AT_ONCE = 1000

_MAX_NOTED = 50_000
"""Items whose age is known; of the others some expire in the cache, and an answer waits for the store."""


class ItemReader:
    """Reads the cache first, then the store, and remembers in the cache what only the store knew.

    That an item has no metadata is remembered too, as an empty `Item`. What is in use is read anew beside the
    answers, so that none waits for an item that expires. What goes into the cache goes there with its
    version, and never replaces a newer one: it may have been read just before somebody changed the item.

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
        self._read_at: OrderedDict[str, float] = OrderedDict()
        self._ageing: set[str] = set()
        self._pending: dict[str, Item] = {}
        self._versions: dict[str, int] = {}
        self._filling: asyncio.Task[None] | None = None
        self._hidden = HiddenItems()
        self._untold = ItemVersions({}, {})
        self._telling: asyncio.Task[None] | None = None

    async def read(self, item_ids: Sequence[str]) -> Answered[dict[str, Item]]:
        """Return what is known of these items; without metadata where neither side answers."""
        nothing: dict[str, Item] = {}
        found, failed = await self._cache_guard.ask(lambda: self._cache.get_items(item_ids), nothing)
        self._note_ages(found)
        self._hidden.note(found, found)
        # Read from the store a moment ago, as candidates mostly, and on the way to the cache.
        if self._pending:
            found = {id_: self._pending[id_] for id_ in item_ids if id_ in self._pending} | found
        missing = [item_id for item_id in item_ids if item_id not in found]
        self._metrics.count("recommender.item_cache.hits", len(item_ids) - len(missing))
        self._metrics.count("recommender.item_cache.misses", len(missing))
        if missing:
            read, failed_later = await self._read_missing(missing)
            found, failed = found | read, failed | failed_later
        # What the cache could not be told yet is newer than what it says.
        untold = self._untold.items
        if untold:
            found = found | {id_: untold[id_] for id_ in item_ids if id_ in untold}
        return Answered(found, failed)

    async def _read_missing(self, item_ids: list[str]) -> Answered[dict[str, Item]]:
        stored, failed = await self._catalog_guard.ask(lambda: self._catalog.get_versions(item_ids), None)
        if stored is not None:
            # After a failure, what is not here may be there, and damaged.
            read = list(stored.items) if failed else item_ids
            self._hidden.note(read, stored.items)
            self._fill_later(read, stored)
            return Answered(stored.items, failed)
        # An item that nobody can tell of is offered, unless it was hidden when last heard of.
        nothing: dict[str, Item] = {}
        known, failed_too = await self._cache_guard.ask(lambda: self._cache.last_known(item_ids), nothing)
        return Answered(self._hidden.among(item_ids) | known, failed | failed_too)

    async def note_changes(self, item_ids: Sequence[str]) -> None:
        """See to it that no copy of items that have just changed in the store is used any more.

        What they are now is read again, so that content and version fit one another whoever else changes
        them. A cache that does not answer is told as soon as it does.

        Raises
        ------
        StreamrecError
            When the store does not answer.
        """
        for item_id in item_ids:
            self._pending.pop(item_id, None)
            self._ageing.discard(item_id)
        stored = await self._catalog.get_versions(item_ids)
        self._hidden.note(item_ids, stored.items)
        self._untold.items.update(stored.items)
        self._untold.versions.update(stored.versions)
        try:
            await self._cache_guard.call(lambda: self._tell(stored), pauses=False)
        except StreamrecError as error:
            warn_seldom("cache_not_told", n_items=len(item_ids), error=str(error))
            self._bound_untold()
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell_again())

    async def aclose(self) -> None:
        """Write what waits to be written."""
        if self._filling is not None:
            await self._filling
        await end_tasks(self._telling)

    async def _tell(self, changed: ItemVersions) -> None:
        """Have the cache forget items, or know them as hidden."""
        hidden = [item for item in changed.items.values() if item.is_hidden]
        shown = [item_id for item_id, item in changed.items.items() if not item.is_hidden]
        if hidden:
            await self._cache.put_items(hidden, changed.versions)
        if shown:
            await self._cache.drop_items(shown, changed.versions)
        for item_id, version in changed.versions.items():
            if self._untold.versions.get(item_id) == version:
                del self._untold.versions[item_id], self._untold.items[item_id]

    async def _tell_again(self) -> None:
        while self._untold.items:
            await asyncio.sleep(TOLD_AGAIN_AFTER_S)
            # Not by the guard: its pause after a timeout is made for answers.
            with contextlib.suppress(StreamrecError):
                some = dict(islice(self._untold.items.items(), _TOLD_AT_ONCE))
                await self._tell(ItemVersions(some, {id_: self._untold.versions[id_] for id_ in some}))

    def _bound_untold(self) -> None:
        if n_dropped := max(0, len(self._untold.items) - MAX_UNTOLD):
            warn_seldom("item_changes_dropped", n_items=n_dropped)
        for oldest in list(islice(self._untold.items, n_dropped)):
            del self._untold.items[oldest], self._untold.versions[oldest]

    def _note_ages(self, found: dict[str, Item]) -> None:
        now = self._clock()
        due = [id_ for id_ in found if now - self._read_at.setdefault(id_, now) >= READ_AGAIN_AFTER_S]
        if due:
            self._read_at.update(dict.fromkeys(due, now))
            self._ageing.update(due)
            self._fill_later((), ItemVersions({}, {}))
        while len(self._read_at) > _MAX_NOTED:
            self._read_at.popitem(last=False)

    def _fill_later(self, item_ids: Iterable[str], stored: ItemVersions) -> None:
        self._note_pending(item_ids, stored)
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._fill())

    def _note_pending(self, item_ids: Iterable[str], stored: ItemVersions) -> None:
        for item_id in item_ids:
            self._pending[item_id] = stored.items.get(item_id) or Item(item_id)
            self._versions[item_id] = stored.versions.get(item_id, 0)

    async def _fill(self) -> None:
        await asyncio.sleep(FILL_PAUSE_S)
        # Without effect on any answer: what could not be read anew or cached is asked of the store once more.
        with contextlib.suppress(StreamrecError):
            await self._read_again()
        items, self._pending = list(self._pending.values()), {}
        versions, self._versions = self._versions, {}
        with contextlib.suppress(StreamrecError):
            await self._cache_guard.call(lambda: self._cache.put_items(items, versions), pauses=False)

    async def _read_again(self) -> None:
        if self._ageing:
            item_ids, self._ageing = list(self._ageing), set()
            stored = await self._catalog_guard.call(
                lambda: self._catalog.get_versions(item_ids), pauses=False
            )
            self._hidden.note(item_ids, stored.items)
            self._note_pending(item_ids, stored)
