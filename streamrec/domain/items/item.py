"""Metadata of an item: all that is known besides its vector."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

from streamrec.errors import Damaged, InvalidInput
from streamrec.payload import decoded, decoded_each

P = TypeVar("P")


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
        return tags_in(self.attributes)


def tags_in(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags among attributes of an item, see `Item.tags`."""
    given = attributes.get("tags")
    if isinstance(given, list) and all(isinstance(tag, str) for tag in given):
        return tuple(dict.fromkeys(given))
    return ()


MAX_NESTING = 64
"""Levels of lists and objects in attributes: who writes and reads them has only so much of a stack."""


def checked_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes that every process can read and write.

    Raises
    ------
    InvalidInput
        When they are nested too deeply.

    >>> checked_attributes({"tags": ["a"]})
    {'tags': ['a']}
    """
    level: list[Any] = [attributes]
    for _ in range(MAX_NESTING):
        inner = [value.values() if isinstance(value, dict) else value for value in level]
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
        if not level:
            return attributes
    raise InvalidInput(f"attributes are nested deeper than {MAX_NESTING} levels")


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


class ItemVersions(NamedTuple):
    """Items as the store has them now, and which of their versions these are.

    Attributes
    ----------
    items
        By id. A deleted item is among them as one that is hidden, and nothing else is known of it.
    versions
        By id; each change of an item gives it a larger one, deletion and return included. 0, also for those
        that are left out: written before there were versions, or never.
    """

    items: dict[str, Item]
    versions: dict[str, int]


class ItemPosition(NamedTuple):
    """Place in the order of all items by their versions, and those of one version by the bytes of their ids.

    Attributes
    ----------
    version
        -1 before all items.
    key
        The id, as bytes: one that is no UTF-8 has a place, too.
    """

    version: int = -1
    key: bytes = b""


class VersionSum(NamedTuple):
    """Number of items that have one of some versions, and sum of these, from the first of them on.

    While no item is lost both stay the same only where none came, and none was written again: versions rise.
    """

    n: int = 0
    total: int = 0


class FoundItems(NamedTuple):
    """Items in order of their ids; those that can't be read are left out.

    Attributes
    ----------
    next_after
        Id behind which the next page begins; None: there are no more.
    """

    items: list[Item]
    next_after: str | None


class ItemPage(NamedTuple):
    """Items that follow one another by their versions.

    Attributes
    ----------
    items
        As in `ItemVersions`; those that can't be read are left out.
    end
        Where the next page goes on.
    is_last
        There were no more when it was read.
    places
        Of all that stand on the page, those included that can't be read.
    """

    items: dict[str, Item]
    end: ItemPosition
    is_last: bool
    places: Sequence[ItemPosition] = ()


def versioned(
    decode: Callable[[P], Item], documents: Iterable[tuple[str, P]], versions: Mapping[str, object]
) -> ItemVersions:
    """Read documents of items, by id, with what stands where their versions should.

    Raises
    ------
    Damaged
        When some are none; its `rest` holds the others.
    """
    numbers = {id_: int(version) for id_, version in versions.items() if isinstance(version, int)}
    try:
        return ItemVersions(decoded_each(decode, documents, "document"), numbers)
    except Damaged as error:
        raise Damaged(str(error), rest=ItemVersions(cast("dict[str, Item]", error.rest), numbers)) from error


def deleted_item(item_id: str) -> Item:
    """Return a deleted item as those who offer items see it.

    >>> deleted_item("i").is_hidden
    True
    """
    return Item(item_id, is_hidden=True)
