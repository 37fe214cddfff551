"""Item metadata as the trainer knows it: categories and tags, and which items are like each other."""

from collections.abc import Collection, Iterable
from itertools import islice

from streamrec.domain.events.interaction import MAX_ID_BYTES
from streamrec.domain.items.category_table import CategoryTable
from streamrec.domain.items.content_index import ContentIndex
from streamrec.domain.items.content_tokens import DEFAULT_FIELDS, ContentField, tokens_to_rank_by
from streamrec.domain.items.item import Item
from streamrec.domain.items.item_labels import NO_LABELS, ItemLabels

_MEMBERS_AT_ONCE = 20_000
"""Items ranked within their categories in one turn: all else in the trainer waits for it."""


_MOST_LABELS = 16
"""Categories, and as many tags, that an item counts for: what a user is said to do must not cost more."""


class ItemCategories:
    """Items by category, with the newest known first.

    >>> categories = ItemCategories()
    >>> for item_id, names in {"a": ("war",), "b": ("war", "drama"), "c": ("comedy",)}.items():
    ...     categories.put(Item(item_id, categories=names))
    >>> categories.put(Item("new", categories=("drama", "war")))
    >>> categories.names, categories.labels("b").categories
    (['war', 'drama', 'comedy'], ('war', 'drama'))

    Attributes
    ----------
    hidden
        Ids of items that are not to be offered.
    contents
        Finds items with metadata like an item's.
    table
        Categories of all items, as those who rank go by them.
    emptied
        Names that lost their last item since `in_turn` was called last.
    """

    def __init__(self, items: Iterable[Item] = (), fields: Collection[ContentField] = DEFAULT_FIELDS) -> None:
        self._names: dict[str, tuple[str, ...]] = {}
        self._members: dict[str, dict[str, None]] = {}
        self._labels: dict[str, ItemLabels] = {}
        self._turn = 0
        self.hidden: set[str] = set()
        self.table = CategoryTable(most_items=None)
        self.emptied: dict[str, None] = {}
        self.contents = ContentIndex(fields)
        for item in items:
            self.put(item)

    def put(self, item: Item) -> None:
        """Replace what is known of an item."""
        self._drop_labels(item.item_id)
        self.contents.put(item)
        words = tokens_to_rank_by(item)
        if words:
            self.table.put(item.item_id, item.categories, words=words)
        if item.is_hidden:
            self.hidden.add(item.item_id)
        if item.categories:
            self._names[item.item_id] = item.categories
            for name in item.categories:
                self._members.setdefault(name, {})[item.item_id] = None
                self.emptied.pop(name, None)
        labels = ItemLabels(_counted(item.categories), _counted(item.tags))
        if labels != NO_LABELS:
            self._labels[item.item_id] = labels

    def drop(self, item_id: str) -> None:
        """Forget an item; unknown ids are ignored."""
        self._drop_labels(item_id)
        self.contents.drop(item_id)

    def _drop_labels(self, item_id: str) -> None:
        self._labels.pop(item_id, None)
        self.table.drop(item_id)
        self.hidden.discard(item_id)
        for name in self._names.pop(item_id, ()):
            # An item may name a category twice.
            members = self._members.get(name, {})
            members.pop(item_id, None)
            if not members and self._members.pop(name, None) is not None:
                self.emptied[name] = None

    @property
    def names(self) -> list[str]:
        """Names of all categories that have items."""
        return list(self._members)

    def labels(self, item_id: str) -> ItemLabels:
        """Return what an item counts for; nothing when it has no metadata."""
        return self._labels.get(item_id, NO_LABELS)

    def in_turn(self, n_members: int = _MEMBERS_AT_ONCE) -> dict[str, list[str]]:
        """Return the next categories' item ids: one category, and more up to `n_members` ids in all.

        Called again and again it goes round, so that work on many categories can be done piece by piece.
        Categories that lost their last item since the last call come first, with no items.
        """
        names = list(self._members)
        emptied, self.emptied = self.emptied, {}
        chosen: dict[str, list[str]] = {}
        n_left = n_members
        for index in range(self._turn, self._turn + len(names)):
            name = names[index % len(names)]
            n_left -= len(self._members[name])
            if chosen and n_left < 0:
                break
            chosen[name] = list(self._members[name])
        self._turn = (self._turn + len(chosen)) % max(1, len(names))
        return {name: [] for name in emptied} | chosen


def _counted(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the first few labels, each once, without those that are too long to be one."""
    fitting = (label for label in labels if 0 < len(label) <= MAX_ID_BYTES)
    return tuple(islice(dict.fromkeys(fitting), _MOST_LABELS))
