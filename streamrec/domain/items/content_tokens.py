"""Tokens of an item's metadata: the words and labels that tell which items are like it."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Literal, get_args
from zlib import crc32

from streamrec.domain.events.interaction import MAX_ID_BYTES
from streamrec.domain.items.item import Item

ContentField = Literal["categories", "tags", "title", "attributes", "text"]
"""A part of an item's metadata."""

DEFAULT_FIELDS: frozenset[ContentField] = frozenset(get_args(ContentField))

MOST_TOKENS = 64
"""Of an item, each counted once; fields come in the order of `_READERS`, so that long texts come last."""

MOST_TO_RANK_BY = 16
"""Of an item's tokens, those that rankers go by: they hold them of every candidate."""

_TO_RANK_BY: frozenset[ContentField] = DEFAULT_FIELDS - {"text"}

_MOST_CHARACTERS = 10_000
"""Of a title or text that are looked at; there are more than enough words in them."""

_WORD = re.compile(r"\w\w+")


def tokens_of(item: Item, fields: Collection[ContentField]) -> tuple[int, ...]:
    """Return up to `MOST_TOKENS` distinct numbers, each of a word or label of these fields.

    A number is made of the word, so that nobody has to agree on it, and no list of words grows. Of a million
    words some 500 share theirs with another one.

    >>> tokens_of(Item("i", title="The Birds", categories=("Horror",)), ["categories", "title"])
    (22982251, 1755395065, 364600791)
    """
    words = (
        f"{kind}{word.casefold()}"
        for field, kind in _KINDS.items()
        if field in fields
        for word in _READERS[field](item)
    )
    numbers = dict.fromkeys(crc32(word.encode("utf-8", "backslashreplace")) >> 1 for word in words)
    return tuple(islice(numbers, MOST_TOKENS))


def tokens_to_rank_by(item: Item) -> tuple[int, ...]:
    """Return the first `MOST_TO_RANK_BY` tokens of an item, without those of its text.

    >>> len(tokens_to_rank_by(Item("i", title="The Birds", text="Crows gather.", categories=("Horror",))))
    3
    """
    return tokens_of(item, _TO_RANK_BY)[:MOST_TO_RANK_BY]


def _words(text: str | None) -> Iterator[str]:
    return (match.group() for match in _WORD.finditer((text or "")[:_MOST_CHARACTERS]))


def _attributes(item: Item) -> Iterator[str]:
    for name, value in item.attributes.items():
        values = value if isinstance(value, list) else [value]
        if name != "tags":
            yield from (
                f"{name}={one}" for one in values if isinstance(one, str) and len(one) <= MAX_ID_BYTES
            )


_READERS: dict[ContentField, Callable[[Item], Iterable[str]]] = {
    "categories": lambda item: item.categories,
    "tags": lambda item: item.tags,
    "title": lambda item: _words(item.title),
    "attributes": _attributes,
    "text": lambda item: _words(item.text),
}

_KINDS: dict[ContentField, str] = {
    "categories": "c:",
    "tags": "t:",
    "title": "w:",
    "attributes": "a:",
    "text": "w:",
}
