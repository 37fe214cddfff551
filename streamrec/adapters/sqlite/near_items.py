"""Copies of item metadata inside the process, for as long as no item changes in the file that they are of."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streamrec.domain.items.item import Item
from streamrec.serving.sources.copies import Copies

MAX_ITEMS = 10_000
"""Some 10 to 20 MB."""


class Look(NamedTuple):
    """Copies at hand, and the ids of the others."""

    found: dict[str, Item]
    missing: list[str]


class ItemCopies:
    """A bounded number of copies; those unused for longest go first.

    A version of the file is the mark of the last change to what was in it; None: nobody makes marks.

    >>> copies = ItemCopies()
    >>> copies.keep({"a": Item("a")}, version=b"7", ends_at=100.0)
    >>> copies.find(["a", "b"], version=b"7", now=99.0).missing
    ['b']
    >>> copies.find(["a", "b"], version=b"8", now=99.0).missing
    ['a', 'b']
    """

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        self._version: bytes | None = None
        self._copies = Copies[tuple[Item, float]](max_items)
        """Items, and when they end in the file."""

    def find(self, item_ids: Sequence[str], version: bytes | None, now: float) -> Look:
        """Return the copies of these that are of a version of the file, and end after now."""
        found: dict[str, Item] = {}
        if version is None or version != self._version:
            return Look(found, list(item_ids))
        for item_id, ((item, ends_at), _read_at) in self._copies.some(item_ids).items():
            if ends_at > now:
                found[item_id] = item
        return Look(found, [item_id for item_id in item_ids if item_id not in found])

    def keep(self, items: Mapping[str, Item], version: bytes | None, ends_at: float) -> None:
        """Keep what was read when the file had at least this version, until then at most."""
        if version != self._version:
            self._version = version
            self._copies.clear()
        self._copies.keep({item_id: (item, ends_at) for item_id, item in items.items()}, read_at=0.0)
