"""Items of the document store in memory."""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from streamrec.domain.items.item import (
    FoundItems,
    Item,
    ItemPage,
    ItemPosition,
    ItemVersions,
    VersionSum,
    deleted_item,
)


class MemoryCatalog:
    """Implements `ItemCatalog`, and what a trainer reads of it.

    Parameters
    ----------
    clock
        Returns Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._items: dict[str, Item] = {}
        self._versions: dict[str, int] = {}
        self._places: list[ItemPosition] = []

    def read_items(self, item_ids: Sequence[str] | None = None) -> Iterator[Item]:
        """Yield metadata of these items, or of all in the order of their ids."""
        for item_id in sorted(self._items) if item_ids is None else item_ids:
            if item_id in self._items:
                yield self._items[item_id]

    def read_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        """Return these as they are now, deleted ones included."""
        known = [item_id for item_id in item_ids if item_id in self._versions]
        return ItemVersions(
            {item_id: self._items.get(item_id, deleted_item(item_id)) for item_id in known},
            {item_id: self._versions[item_id] for item_id in known},
        )

    def _advance(self, item_id: str) -> None:
        self._versions[item_id] = max(self._versions.get(item_id, 0) + 1, int(self._clock() * 1000))
        self._places = []

    async def find_items(self, text: str, limit: int, after: str = "") -> FoundItems:
        """Return items after `after` whose id begins with `text` or whose title has it."""
        folded = text.casefold()
        found = [
            item
            for item_id, item in sorted(self._items.items())
            if item_id > after and (item_id.startswith(text) or folded in (item.title or "").casefold())
        ]
        page = found[:limit]
        return FoundItems(page, page[-1].item_id if len(found) > limit else None)

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return what is known of these; unknown ids are left out."""
        return {item_id: self._items[item_id] for item_id in item_ids if item_id in self._items}

    async def put_items(self, items: Sequence[Item]) -> None:
        """Replace whole items."""
        for item in items:
            self._items[item.item_id] = item
            self._advance(item.item_id)

    async def get_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        """Return these as they are now, deleted ones included."""
        return self.read_versions(item_ids)

    async def changed_items(self, after: ItemPosition, limit: int) -> ItemPage:
        """Return the next items by their versions, deleted ones included."""
        # Sorted once for all pages of a catalogue that does not change meanwhile.
        self._places = self._places or sorted(
            ItemPosition(version, id_.encode()) for id_, version in self._versions.copy().items()
        )
        page = self._places[(first := bisect_right(self._places, after)) : first + limit]
        items = self.read_versions([place.key.decode() for place in page]).items
        return ItemPage(items, page[-1] if page else after, len(page) < limit, page)

    async def sum_changed(self, first: int, last: int) -> VersionSum:
        """Sum up the items that have one of these versions."""
        later = [at - first for at in self._versions.copy().values() if first <= at <= last]
        return VersionSum(len(later), sum(later))

    async def delete_item(self, item_id: str) -> bool:
        """Delete; return whether it was there."""
        self._advance(item_id)
        return self._items.pop(item_id, None) is not None
