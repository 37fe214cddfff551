"""Tables of the hot cache in SQLite, and how rows are read that anybody may have written."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from streamrec.adapters.sqlite_connection import connect, create_tables
from streamrec.domain.item import Item, decode_item
from streamrec.errors import Damaged
from streamrec.payload import decoded

_SCHEMA_VERSION = 1

_TABLES = (
    "CREATE TABLE IF NOT EXISTS popular (name TEXT PRIMARY KEY NOT NULL, ranking TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS neighbours (item_id TEXT PRIMARY KEY NOT NULL, neighbours TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS blend (id INTEGER PRIMARY KEY NOT NULL, blend TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY NOT NULL, value REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS items (item_id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL,"
    " expires_at REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS history_span (id INTEGER PRIMARY KEY NOT NULL, span TEXT NOT NULL)",
    # By slot first: what changes in a minute stands together, so a publication writes few pages.
    "CREATE TABLE IF NOT EXISTS history (slot INTEGER NOT NULL, item_id TEXT NOT NULL, bar BLOB NOT NULL,"
    " PRIMARY KEY (slot, item_id)) WITHOUT ROWID",
)

_decode_items = msgspec.json.Decoder(list[Item]).decode


def open_cache_file(path: Path) -> sqlite3.Connection:
    """Open the cache's file and create what is missing."""
    connection = connect(path)
    create_tables(connection, path, _TABLES, _SCHEMA_VERSION)
    return connection


def decode_items(documents: bytes) -> dict[str, Item]:
    """Read a list of documents; nothing when any of them is none: then each is to be read by itself."""
    try:
        return {item.item_id: item for item in decoded(_decode_items, documents)}
    except Damaged:
        return {}


def readable_items(rows: Iterable[tuple[str, bytes]]) -> dict[str, Item]:
    """Return the items that can be read; the others are not at hand, as if they had never been cached."""
    found: dict[str, Item] = {}
    for item_id, document in rows:
        with suppress(Damaged):
            found[item_id] = decode_item(document, item_id)
    return found


def decode_counters(rows: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Read the counters.

    Raises
    ------
    Damaged
        When one is no number.
    """
    return decoded(_numbers, rows)


def _numbers(rows: Iterable[tuple[str, float]]) -> dict[str, float]:
    return {str(name): float(value) for name, value in rows}
