"""What is known of an item besides its vector."""

from typing import Any

import msgspec

from streamrec.errors import Damaged
from streamrec.payload import decoded


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """Metadata of an item, owned by the services and stored durably.

    Attributes
    ----------
    kind
        What sort of thing it is ("film", "article"); free text.
    categories
        Filter and popularity are by these; the first is the main one.
    is_hidden
        Never offered while true.
    attributes
        Whatever else the owner wants back with a recommendation.
    updated_at
        Unix seconds of the last change.
    """

    item_id: str
    kind: str | None = None
    title: str | None = None
    text: str | None = None
    categories: tuple[str, ...] = ()
    is_hidden: bool = False
    attributes: dict[str, Any] = {}
    updated_at: float = 0.0

    @property
    def tags(self) -> tuple[str, ...]:
        """The attribute of that name, if it is a list of texts; else none.

        >>> Item("i", attributes={"tags": ["war", "old", "war"]}).tags
        ('war', 'old')
        >>> Item("i", attributes={"tags": ["war", 1]}).tags
        ()
        """
        given = self.attributes.get("tags")
        if isinstance(given, list) and all(isinstance(tag, str) for tag in given):
            return tuple(dict.fromkeys(given))
        return ()


_decode = msgspec.json.Decoder(Item).decode


def decode_item(written: str | bytes, item_id: str | None = None) -> Item:
    """Read an item, of which it may be known which one it is.

    Raises
    ------
    Damaged
        When it is none, or another one.
    """
    item = decoded(_decode, written)
    if item_id is not None and item.item_id != item_id:
        raise Damaged(f"the document of {item_id!r} is of {item.item_id[:100]!r}")
    return item
