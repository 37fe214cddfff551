"""Lists that were made for users beforehand, by a model that does not learn while it serves."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from streamrec.errors import Damaged, InvalidInput
from streamrec.payload import decoded

MAX_LISTED = 1000
"""Items of one list."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


class ListedItem(NamedTuple):
    """An item of a list; higher scores are better, and mean nothing beside those of another list."""

    item_id: str
    score: float


class Batch(msgspec.Struct, frozen=True):
    """The lists that one model made for all of its users.

    Attributes
    ----------
    name
        What requests call it.
    version
        Of two published under one name, the larger one counts.
    n_lists
        Users who have one.
    published_at
        Unix seconds.
    source
        SHA-256 (hex) of the file that they came from.
    """

    name: str
    version: int
    n_lists: int
    published_at: float
    source: str = ""


def checked_name(name: str) -> str:
    """Return the name of a batch.

    Raises
    ------
    InvalidInput
        When it can't be one.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:100]!r} can't name lists: wanted 1 to 64 small letters, digits, '_', '-' and '.', the"
            " first a letter or a digit"
        )
    return name


_encode = msgspec.json.Encoder().encode
_decode_list = msgspec.json.Decoder(list[ListedItem]).decode
_decode_batch = msgspec.json.Decoder(Batch).decode


def encode_list(items: Sequence[ListedItem]) -> str:
    """Return a list as JSON text."""
    return _encode(list(items)).decode()


def decode_list(written: str | bytes) -> list[ListedItem]:
    """Read a list.

    Raises
    ------
    Damaged
        When it is none.
    """
    return decoded(_decode_list, written)


def encode_batch(batch: Batch) -> str:
    """Return what is known of a batch, as JSON text."""
    return _encode(batch).decode()


def decode_batch(written: str | bytes, name: str) -> Batch:
    """Read what is known of a batch.

    Raises
    ------
    Damaged
        When it is none, or another one.
    """
    batch = decoded(_decode_batch, written)
    if batch.name != name:
        raise Damaged(f"the batch {name!r} is told of as {batch.name[:100]!r}")
    return batch
