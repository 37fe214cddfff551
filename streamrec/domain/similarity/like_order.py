"""Orders in which items similar to one may be shown."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from streamrec.domain.items.item import Item

OrderName = Literal["score", "same_category", "same_category_then_value"]


class LikeOrder(NamedTuple):
    """Order in which items similar to another are shown.

    Attributes
    ----------
    name
        "score": the most similar first. "same_category": those of the item's main category first.
        "same_category_then_value": of these, and of the others, the nearest by a number first.
    attribute
        Of the items, which holds that number.
    """

    name: OrderName = "score"
    attribute: str = "price"

    @property
    def changes_lists(self) -> bool:
        """True when a list may come out otherwise than by score."""
        return self.name != "score"

    def sort_key(
        self, categories: Sequence[str], attributes: Mapping[str, Any], looked_at: Item
    ) -> tuple[bool, float]:
        """Return what an item of these is sorted by; items with equal keys keep their order.

        An item without the number comes after all of its group that have one.

        >>> shoe = Item("a", categories=("shoes",), attributes={"price": 50})
        >>> nearest = LikeOrder("same_category_then_value")
        >>> nearest.sort_key(["shoes", "winter"], {"price": 40}, shoe), nearest.sort_key(["hats"], {}, shoe)
        ((False, 10.0), (True, inf))
        """
        if not self.changes_lists:
            return False, 0.0
        # The first category is the main one.
        is_other = not categories or tuple(categories[:1]) != looked_at.categories[:1]
        if self.name == "same_category":
            return is_other, 0.0
        distance = abs(
            number_in(attributes, self.attribute) - number_in(looked_at.attributes, self.attribute)
        )
        return is_other, distance if math.isfinite(distance) else math.inf


def number_in(attributes: Mapping[str, Any], name: str) -> float:
    """Return an attribute's number, which may be written as text as files have it; NaN when it is none.

    >>> number_in({"price": "9.5"}, "price"), number_in({"price": True}, "price"), number_in({}, "price")
    (9.5, nan, nan)
    """
    value = attributes.get(name)
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan
