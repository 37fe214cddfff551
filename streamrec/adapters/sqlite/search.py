"""Search in the SQLite document store, for people: of items, and of users, by walks over them in a thread."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from streamrec.adapters.sqlite.connection import connect, translated_errors
from streamrec.adapters.sqlite.store_schema import READ_COLUMNS, encode_text, is_utf8, user_of
from streamrec.domain.items.item import FoundItems, Item, decode_item
from streamrec.domain.users.choosers import MAX_LOOKED_AT, Chooser, Choosers, chooser_of
from streamrec.errors import Damaged

Rows = list[tuple[Any, ...]]

_LAST_CODE_POINT = 0x10FFFF

# SQLite folds the case of ASCII alone; a document that is no JSON has no title.
_TITLE = "CASE WHEN json_valid(document) THEN json_extract(document, '$.title') END"
_ESCAPE = "\\"

# Of ids as bytes: one that is no UTF-8 must not hide the others.
_TEXT_IDS = "CAST(user_id AS BLOB) FROM users WHERE typeof(user_id) = 'text' AND user_id > CAST(? AS TEXT)"

_NEXT_USERS = "SELECT * FROM users WHERE typeof(user_id) = 'text' AND user_id > ? ORDER BY user_id LIMIT ?"


def find_items(path: Path, text: str, limit: int, after: str) -> FoundItems:
    """Return items after `after` whose id begins with `text`, or whose title has it, by their ids."""
    contained = [f"%{_literal(spelling)}%" for spelling in _spellings(text)]
    likes = " OR ".join(f"{_TITLE} LIKE ? ESCAPE '{_ESCAPE}'" for _ in contained)
    statement = (
        "SELECT CAST(item_id AS BLOB), CAST(document AS BLOB) FROM items WHERE deleted_at IS NULL"
        " AND typeof(item_id) = 'text' AND item_id > CAST(? AS TEXT)"
        f" AND (substr(item_id, 1, ?) = ? OR {likes}) ORDER BY item_id LIMIT ?"
    )
    with _reading(path) as connection:
        rows = _readable(
            lambda key, n: connection.execute(statement, (key, len(text), text, *contained, n)).fetchall(),
            limit + 1,
            after,
        )
    page = rows[:limit]
    items = [item for key, document in page if (item := _item(key.decode(), document)) is not None]
    return FoundItems(items, page[-1][0].decode() if len(rows) > limit else None)


def find_users(read: Callable[..., Rows], prefix: str, limit: int, after: str) -> list[str]:
    """Return ids that start with `prefix` and come after `after`, in order of their bytes."""
    found, end = f"SELECT {_TEXT_IDS} AND user_id >= ?", prefix_end(prefix)
    if end is not None:
        found += " AND user_id < ?"
    bounds = (prefix,) if end is None else (prefix, end)
    rows = _readable(lambda key, n: read(f"{found} ORDER BY user_id LIMIT ?", key, *bounds, n), limit, after)
    return [user_id.decode() for (user_id,) in rows]


def find_choosers(path: Path, item_id: str, limit: int, after: str) -> Choosers:
    """Return users after `after` who have the item among their recent ones, of the next `MAX_LOOKED_AT`."""
    with _reading(path) as connection:
        n_users, last = connection.execute(
            f"SELECT count(*), CAST(max(user_id) AS BLOB) FROM ({_NEXT_USERS})", (after, MAX_LOOKED_AT)
        ).fetchone()
        # What stands between quotes may be of two ids: each list that has it is read.
        rows = connection.execute(
            f"SELECT {READ_COLUMNS} FROM ({_NEXT_USERS}) WHERE instr(recent, ?) > 0",
            (after, MAX_LOOKED_AT, encode_text(item_id)),
        )
        choosers = (chooser for row in rows if (chooser := _chooser(row, item_id)) is not None)
        found = list(islice(choosers, limit + 1))
    if len(found) > limit:
        return Choosers(found[:limit], found[limit - 1].user_id)
    return Choosers(found, last.decode(errors="replace") if n_users == MAX_LOOKED_AT else None)


def _chooser(row: tuple[Any, ...], item_id: str) -> Chooser | None:
    """Read a row of `READ_COLUMNS`; None where it can't be read, or does not hold the item."""
    try:
        state = user_of(row).state
    except Damaged:
        return None
    return chooser_of(state, item_id)


def _item(item_id: str, document: bytes) -> Item | None:
    try:
        return decode_item(document, item_id)
    except Damaged:
        return None


def _readable(fetch: Callable[[bytes, int], Rows], limit: int, after: str) -> Rows:
    """Return up to `limit` rows whose keys are texts; `fetch` gives some number of those behind a key."""
    rows: Rows = []
    key = after.encode()
    while n_missing := limit - len(rows):
        more = fetch(key, n_missing)
        rows += [row for row in more if is_utf8(row[0])]
        if len(more) < n_missing:
            break
        key = more[-1][0]
    return rows


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection of this thread; the store has made its tables by now."""
    connection = connect(path)
    try:
        with translated_errors(path):
            yield connection
    finally:
        connection.close()


def _spellings(text: str) -> list[str]:
    """Return how else the letters may be written that SQLite takes for others.

    >>> _spellings("übermut"), _spellings("alien")
    (['übermut', 'ÜBERMUT', 'Übermut'], ['alien'])
    """
    if text.isascii():
        return [text]
    return list(dict.fromkeys((text, text.lower(), text.upper(), text.title(), text.capitalize())))


def _literal(text: str) -> str:
    r"""Return a pattern that fits the text itself.

    >>> _literal("100%_a")
    '100\\%\\_a'
    """
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return text


def prefix_end(prefix: str) -> str | None:
    r"""Return the first text after all that start with `prefix`, by UTF-8 bytes; None where there is none.

    >>> prefix_end("user-1"), prefix_end("\ud7ff"), prefix_end("\U0010ffff")
    ('user-2', '\ue000', None)
    """
    head = prefix.rstrip(chr(_LAST_CODE_POINT))
    if not head:
        return None
    code_point = ord(head[-1]) + 1
    if code_point == 0xD800:  # surrogates are no characters, and UTF-8 can't hold them
        code_point = 0xE000
    return head[:-1] + chr(code_point)
