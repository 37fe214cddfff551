"""Labels of an item: its categories and tags, as far as they count in its users' profiles."""

from typing import NamedTuple


class ItemLabels(NamedTuple):
    """Categories and tags of an item that count in its users' profiles; each label once."""

    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


NO_LABELS = ItemLabels()
