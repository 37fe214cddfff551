"""Decoding of bytes that come from another process or from a file, where anything may stand.

The only module that knows how decoders fail: a record of 3 KB with 1,500 brackets in a field that nobody
reads makes msgspec raise `RecursionError`, a row of another type `TypeError`. Every decoder of the system
returns, or raises its declared error: `Damaged`, or, of records and files, an error of their own.
"""

import json
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import TypeVar

import msgspec

from streamrec.errors import Damaged, InvalidEvent

T = TypeVar("T")
P = TypeVar("P")

DAMAGE = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, MemoryError)
"""All that decoders raise for what they can't read; errors of msgspec, and of UTF-8, are `ValueError`."""

FILE_DAMAGE = (
    *DAMAGE, OSError, EOFError, AttributeError, RuntimeError, SyntaxError, tokenize.TokenError,
    struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""Errors of numpy and zipfile for files that they did not write; numpy reads an array's head as Python."""

_ESCAPED_KEY = re.compile(rb'\\u[^"]*"\s*:')

_LONGEST_REASON = 300
"""Characters: a complaint may quote what it is about."""


def decoded(decode: Callable[[P], T], payload: P) -> T:
    """Return what a decoder makes of a payload.

    >>> decoded(msgspec.json.decode, b"[1, 2]")
    [1, 2]

    Raises
    ------
    Damaged
        When the decoder can't read it.
    """
    try:
        return decode(payload)
    except DAMAGE as error:
        raise damaged(error) from error


def decoded_each(decode: Callable[[P], T], payloads: Iterable[tuple[str, P]], what: str) -> dict[str, T]:
    """Return what a decoder makes of payloads, by name.

    Raises
    ------
    Damaged
        When some can't be read; its `rest` holds the others. `what` says what they are.
    """
    found: dict[str, T] = {}
    complaints: list[str] = []
    for name, payload in payloads:
        try:
            found[name] = decode(payload)
        except DAMAGE as error:
            complaints.append(f"{what} of {name!r}: {damaged(error)}")
        except Damaged as error:
            complaints.append(f"{what} of {name!r}: {error}")
    if complaints:
        raise Damaged(f"{complaints[0]}; {len(complaints)} in all", rest=found)
    return found


def damaged(error: Exception) -> Damaged:
    """Return what one of `DAMAGE` says, in our words."""
    if isinstance(error, RecursionError):
        return Damaged("it is nested too deeply")
    reason = str(error)[:_LONGEST_REASON] or type(error).__name__
    return Damaged(reason, fits_format=isinstance(error, msgspec.ValidationError))


def refuse_double_keys(payload: bytes, names: Collection[str], n_objects: int = 1) -> None:
    """Look for objects of a JSON text in which one of these keys stands twice.

    Decoders take the first or the last one silently; which one is meant can't be known.

    Parameters
    ----------
    n_objects
        Objects that the text is known to hold: as long as no key is written more often, nothing is parsed.

    Raises
    ------
    InvalidEvent
        Naming the key.

    >>> refuse_double_keys(b'[{"item_id": "a"}, {"item_id": "b"}]', ["item_id"], n_objects=2)
    """
    # A key may be written with escapes, and then no search for its text finds it.
    if not _ESCAPED_KEY.search(payload) and all(
        payload.count(b'"%s"' % name.encode()) <= n_objects for name in names
    ):
        return
    found: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        keys = [key for key, _ in pairs]
        found.extend(name for name in names if keys.count(name) > 1)

    with suppress(*DAMAGE):  # the decoder has read it; what only this one can't read is nested deeply
        json.loads(payload, object_pairs_hook=look)
    if found:
        raise InvalidEvent("double_key", f"the key {found[0]!r} stands twice in an object")
