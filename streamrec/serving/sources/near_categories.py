"""Categories of candidates inside the process: followed, or read once and renewed beside the requests."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from streamrec.domain.items.category_table import MOST_ITEMS, CategoryTable, Glance
from streamrec.domain.items.content_tokens import tokens_to_rank_by
from streamrec.serving.filters.followed_items import FollowedItems
from streamrec.serving.guard import ALL_WELL, Answered
from streamrec.serving.sources.metadata import Metadata

RENEWED_AFTER_S = 120.0
"""Age from which categories are used once more, and renewed beside the request."""

TOO_OLD_S = 600.0
"""Age from which they are waited for."""

ASKED_AGAIN_AFTER_S = 5.0
"""Pause before the next try at something that could not be read: no answer waits for it meanwhile."""

_AT_ONCE = 500
"""Items read at once."""


class Categories(Protocol):
    """Categories of items at hand."""

    def glance(self) -> Glance | None:
        """Return what a request looks at; None: nothing is known of any item."""

    async def renew(self, item_ids: Sequence[str]) -> Answered[bool]:
        """See to what a glance found older; return whether something was put in meanwhile."""


class CategoriesAtHand:
    """Categories that somebody else keeps."""

    def __init__(self, table: CategoryTable | None = None) -> None:
        self._table = table

    def glance(self) -> Glance | None:
        """Return what a request looks at."""
        return Glance(self._table) if self._table else None

    async def renew(self, item_ids: Sequence[str]) -> Answered[bool]:
        """Return that nothing was put in."""
        return Answered(False)


class NearCategories:
    """Categories read of items' metadata; what can't be had counts as none.

    Parameters
    ----------
    clock
        Seconds; only differences count.
    """

    def __init__(
        self, items: Metadata, clock: Callable[[], float] = time.monotonic, most_items: int = MOST_ITEMS
    ) -> None:
        self.table = CategoryTable(most_items)
        self._items = items
        self._clock = clock
        self._due: dict[str, None] = {}
        self._renewing: asyncio.Task[None] | None = None

    def glance(self) -> Glance:
        """Return what a request looks at."""
        return Glance(self.table, self._clock() - RENEWED_AFTER_S)

    async def renew(self, item_ids: Sequence[str]) -> Answered[bool]:
        """Read what is not there or too old, and later what is only old; return whether anything was read."""
        missing = self.table.older(item_ids, self._clock() - TOO_OLD_S)
        self._renew_later(set(item_ids).difference(missing))
        failed = ALL_WELL
        for first in range(0, len(missing), _AT_ONCE):
            failed |= await self._read(missing[first : first + _AT_ONCE])
        return Answered(bool(missing), failed)

    async def aclose(self) -> None:
        """Wait for what is being read."""
        if self._renewing is not None:
            await asyncio.wait([self._renewing])

    async def _read(self, item_ids: Sequence[str]) -> frozenset[str]:
        now = self._clock()
        items, failed = await self._items.read(item_ids)
        for item_id in item_ids:
            if item_id in items:
                item = items[item_id]
                self.table.put(item_id, item.categories, now, tokens_to_rank_by(item))
            elif not failed:
                self.table.put(item_id, (), now)
            else:
                self.table.put_off([item_id], now - RENEWED_AFTER_S + ASKED_AGAIN_AFTER_S)
        return failed

    def _renew_later(self, item_ids: set[str]) -> None:
        self._due.update(dict.fromkeys(item_ids))
        if self._due and (self._renewing is None or self._renewing.done()):
            self._renewing = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        while self._due:
            some = list(self._due)[:_AT_ONCE]
            for item_id in some:
                del self._due[item_id]
            await self._read(some)


class FollowedCategories:
    """Categories of all items of the store, once all of them are known; until then, those that are read.

    Parameters
    ----------
    near
        Reads categories one by one; in use where `followed` does not have all.
    """

    def __init__(self, followed: FollowedItems, near: NearCategories) -> None:
        self._followed = followed
        self._near = near

    def glance(self) -> Glance:
        """Return what a request looks at; where all are followed, none is older."""
        table = self._followed.all_categories
        return self._near.glance() if table is None else Glance(table)

    async def renew(self, item_ids: Sequence[str]) -> Answered[bool]:
        """See to what a glance found older; return whether something was put in meanwhile."""
        return await self._near.renew(item_ids)

    async def aclose(self) -> None:
        """Wait for what is being read."""
        await self._near.aclose()
