"""All items of the store in tables, which follow their changes beside the answers."""

import asyncio
import time
from collections.abc import Callable, Container

from streamrec.domain.filters.attribute_table import MOST_ITEMS, AttributeTable
from streamrec.domain.items.category_table import CategoryTable
from streamrec.domain.items.content_tokens import tokens_to_rank_by
from streamrec.domain.items.item import ItemPosition
from streamrec.ending_tasks import end_tasks
from streamrec.errors import StreamrecError
from streamrec.log_limits import warn_seldom
from streamrec.ports import ItemCatalog, Metrics
from streamrec.serving.filters.read_versions import ReadVersions

READ_AT_ONCE = 25
"""About a millisecond, for which every answer waits; then others have their turn."""

QUIET_S = 0.0002
"""A turn of the event loop that takes longer had work to do: a turn without any takes some hundredths of a
millisecond."""

PAUSE_S = 0.003
"""Three quarters of the time belong to the answers while all items are read."""

LOOKED_AFTER_S = 1.0
"""Changes are looked for so often."""

READ_ANEW_AFTER_S = 600.0
"""All items are read anew so often: a store may be given back from a backup, and clocks may differ."""

LOOKED_BACK_MS = 10_000
"""Versions are of the writers' clocks, and writes take a while: what is so little older than the newest may
come after it, until so much time has passed."""

_DROPPED_AT_ONCE = 500

_LONG_AGO_MS = 3_600_000
"""Clocks differ by less: of what is so old it need not be watched that nothing comes after it."""


class FollowedItems:
    """Keeps tables of a store's items; begins with the first who asks for them.

    Parameters
    ----------
    wall_clock
        Unix seconds, as versions of items are.
    clock
        Seconds; only differences count.
    most_items
        Items whose categories are kept; a catalogue of as many has `all_categories` of none.

    Attributes
    ----------
    table
        What conditions go by.
    """

    def __init__(
        self,
        catalog: ItemCatalog,
        metrics: Metrics,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        most_items: int = MOST_ITEMS,
    ) -> None:
        self.table = AttributeTable()
        self._categories = CategoryTable(most_items)
        self._most_items = most_items
        self._catalog = catalog
        self._metrics = metrics
        self._wall_clock = wall_clock
        self._clock = clock
        self._whole = asyncio.Event()
        self._newest, self._newest_since = 0, clock()
        self._next = self._end = ItemPosition()
        self._read = ReadVersions()
        self._anew_at = -float("inf")
        self._following: asyncio.Task[None] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all items that the store had were read."""
        return self._whole.is_set()

    @property
    def all_categories(self) -> CategoryTable | None:
        """Categories of all items of the store, hidden ones too; None where not all are known."""
        return self._categories if self.is_whole and len(self._categories) < self._most_items else None

    def start(self) -> None:
        """Begin to follow; without effect where it is begun."""
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow())

    async def wait(self, timeout_s: float) -> bool:
        """Return whether all items are known, as soon as they are, or after a while."""
        self.start()
        if not self.is_whole:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._whole.wait()
            except TimeoutError:
                return False
        return True

    async def look(self) -> None:
        """Read what changed, or all items where it is time to.

        Raises
        ------
        StreamrecError
            When the store does not answer.
        """
        started, started_ms = self._clock(), int(self._wall_clock() * 1000)
        if started < self._anew_at:
            newest = max(self._newest, await self._read_changes())
        else:
            met, newest = await self._read_on(ItemPosition())
            await self._drop_but(met)
            self._anew_at = started + READ_ANEW_AFTER_S
            self._whole.set()
        if newest != self._newest:
            self._newest, self._newest_since = newest, self._clock()
        self._next = self._to_look_from(started, started_ms)
        while not self._read.forget_before(self._next.version):
            await self._give_way()

    async def aclose(self) -> None:
        """Stop following."""
        await end_tasks(self._following)

    async def _follow(self) -> None:
        while True:
            try:
                await self.look()
            except StreamrecError as error:
                warn_seldom("items_not_followed", error=str(error))
            self._metrics.gauge("recommender.filterable_items", len(self.table))
            self._metrics.gauge("recommender.unfilterable_items", self.table.n_left_out)
            await asyncio.sleep(LOOKED_AFTER_S)

    async def _read_changes(self) -> int:
        """Read what is new, and what came among that which was read before; return as `_read_on` does.

        That nothing came there, or was written again, is seen by a sum: of a catalogue that was put in within
        the last seconds, all would else be read twice or more often.
        """
        first, last = max(0, self._next.version), self._newest
        if first > last:
            return (await self._read_on(self._next))[1]
        there = await self._catalog.sum_changed(first, last)
        _, newest = await self._read_on(self._end)
        # Only now: what was there and is newer by now is not counted on either side.
        if there != self._read.between(first, last):
            _, newest = await self._read_on(self._next)
        return newest

    async def _drop_but(self, met: Container[str]) -> None:
        """Forget all items but these, some at a time."""
        for table in (self.table, self._categories):
            ids = table.ids()
            for start in range(0, len(ids), _DROPPED_AT_ONCE):
                for item_id in ids[start : start + _DROPPED_AT_ONCE]:
                    if item_id not in met:
                        table.drop(item_id)
                await self._give_way()

    async def _read_on(self, position: ItemPosition) -> tuple[set[str], int]:
        """Read from a position to the end; return the ids met and the newest version, 0 where nothing is."""
        met, newest = set[str](), 0
        while True:
            page = await self._catalog.changed_items(position, READ_AT_ONCE)
            self._categories.put_all({item_id: item.categories for item_id, item in page.items.items()})
            for item_id, item in page.items.items():
                self.table.put(item)
                self._categories.put_words(item_id, tokens_to_rank_by(item))
            met.update(page.items)
            self._read.note(page.places)
            self._read.forget_before(page.end.version - _LONG_AGO_MS)  # never looked at again
            if page.end != position:
                newest = page.end.version
            position = page.end
            if page.is_last:
                self._end = position
                return met, newest
            await self._give_way()

    async def _give_way(self) -> None:
        """Let others have their turn, and a longer one where there are answers to make."""
        began = self._clock()
        await asyncio.sleep(0)
        if self._clock() - began > QUIET_S:
            await asyncio.sleep(PAUSE_S)

    def _to_look_from(self, looked_at: float, looked_at_ms: int) -> ItemPosition:
        """Return where what may come after a look stands, by the moment of the look on both clocks.

        While nothing newer comes, less and less that is older can: a whole catalogue that was put in at once
        is not read once a second from then on.
        """
        # Negative where the newest is of a time ahead of ours: somebody's clock is wrong.
        quiet_ms = looked_at_ms - self._newest
        if quiet_ms < _LONG_AGO_MS:
            quiet_ms = min(quiet_ms, int(1000 * (looked_at - self._newest_since)))
        return ItemPosition(self._newest + min(quiet_ms - LOOKED_BACK_MS, 1))
