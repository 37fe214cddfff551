"""Items that a process last saw hidden, for when neither store nor cache can say."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from streamrec.domain.items.item import Item, deleted_item

MAX_ITEMS = 100_000
"""Some 10 MB of ids."""


class HiddenItems:
    """A bounded number of ids; those that were seen hidden longest ago go first.

    >>> hidden = HiddenItems()
    >>> hidden.note(["a", "b"], {"a": Item("a", is_hidden=True)})
    >>> list(hidden.among(["a", "b"]))
    ['a']
    >>> hidden.note(["a"], {"a": Item("a")})
    >>> list(hidden.among(["a", "b"]))
    []
    """

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        self._max_items = max_items
        self._ids: OrderedDict[str, None] = OrderedDict()

    def note(self, item_ids: Iterable[str], stored: Mapping[str, Item]) -> None:
        """Take over which of these are hidden, from what the store has of them."""
        if not self._ids and not [item for item in stored.values() if item.is_hidden]:
            return  # as mostly: there is nothing to put in, and nothing to take out
        for item_id in item_ids:
            item = stored.get(item_id)
            if item is not None and item.is_hidden:
                self._ids[item_id] = None
                self._ids.move_to_end(item_id)
            else:
                self._ids.pop(item_id, None)
        while len(self._ids) > self._max_items:
            self._ids.popitem(last=False)

    def among(self, item_ids: Iterable[str]) -> dict[str, Item]:
        """Return those of these that were hidden, by id."""
        return {item_id: deleted_item(item_id) for item_id in item_ids if item_id in self._ids}
