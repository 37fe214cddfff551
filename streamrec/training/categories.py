"""What the trainer knows of item metadata: which items share categories."""

from collections import Counter
from collections.abc import Iterable, Mapping

from streamrec.domain.item import Item

N_NEIGHBOURS = 50
"""More than this and every new item of a category starts at the same point."""

_N_PER_CATEGORY = 500
"""Items looked at per category: bounds the work for a new item in a category of a million."""


class ItemCategories:
    """Items by category, with the newest known first.

    >>> categories = ItemCategories()
    >>> for item_id, names in {"a": ("war",), "b": ("war", "drama"), "c": ("comedy",)}.items():
    ...     categories.put(Item(item_id, categories=names))
    >>> categories.put(Item("new", categories=("drama", "war")))
    >>> categories.neighbours("new")
    ['b', 'a']
    """

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._names: dict[str, tuple[str, ...]] = {}
        self._members: dict[str, dict[str, None]] = {}
        for item in items:
            self.put(item)

    def put(self, item: Item) -> None:
        """Replace what is known of an item."""
        self.drop(item.item_id)
        if item.categories:
            self._names[item.item_id] = item.categories
            for name in item.categories:
                self._members.setdefault(name, {})[item.item_id] = None

    def drop(self, item_id: str) -> None:
        """Forget an item; unknown ids are ignored."""
        for name in self._names.pop(item_id, ()):
            # An item may name a category twice.
            members = self._members.get(name, {})
            members.pop(item_id, None)
            if not members:
                self._members.pop(name, None)

    def neighbours(self, item_id: str) -> list[str]:
        """Return items that share categories with this one, those that share most first."""
        n_shared: Counter[str] = Counter()
        for name in self._names.get(item_id, ()):
            for position, member in enumerate(reversed(self._members[name])):
                if position == _N_PER_CATEGORY:
                    break
                n_shared[member] += 1
        del n_shared[item_id]
        return [neighbour for neighbour, _ in n_shared.most_common(N_NEIGHBOURS)]

    @property
    def members(self) -> Mapping[str, Iterable[str]]:
        """Item ids by category."""
        return self._members
