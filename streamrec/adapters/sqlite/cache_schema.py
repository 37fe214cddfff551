"""Tables of the hot cache in SQLite, and how rows are read that anybody may have written."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from streamrec.adapters.sqlite.connection import add_column, connect, create_tables
from streamrec.adapters.sqlite.exposures.steps import CREATE_STEPS
from streamrec.adapters.sqlite.exposures.tallies import CREATE_TALLIES
from streamrec.adapters.sqlite.fence import CREATE_FENCES
from streamrec.domain.items.item import Item, decode_item
from streamrec.errors import Damaged
from streamrec.payload import decoded

_SCHEMA_VERSION = 2

HIDDEN_KEPT_S = 7 * 86_400.0
"""A hidden item is known as such for so long after it was last read, should the store be away."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS popular (name TEXT PRIMARY KEY NOT NULL, ranking TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS neighbours (item_id TEXT PRIMARY KEY NOT NULL, neighbours TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS blend (id INTEGER PRIMARY KEY NOT NULL, blend TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS challenger (id INTEGER PRIMARY KEY NOT NULL, status TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY NOT NULL, value REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS items (item_id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL,"
    " expires_at REAL NOT NULL, version INTEGER NOT NULL DEFAULT 0, kept_until REAL NOT NULL DEFAULT 0)"
    " WITHOUT ROWID",
    CREATE_FENCES,
    "CREATE TABLE IF NOT EXISTS history_span (id INTEGER PRIMARY KEY NOT NULL, span TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS report (id INTEGER PRIMARY KEY NOT NULL, report TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS points (interval_s INTEGER NOT NULL, slot INTEGER NOT NULL,"
    " point TEXT NOT NULL, PRIMARY KEY (interval_s, slot)) WITHOUT ROWID",
    CREATE_TALLIES,
    *CREATE_STEPS,
    # By slot first: what changes in a minute stands together, so a publication writes few pages.
    "CREATE TABLE IF NOT EXISTS history (slot INTEGER NOT NULL, item_id TEXT NOT NULL, bar BLOB NOT NULL,"
    " PRIMARY KEY (slot, item_id)) WITHOUT ROWID",
    # Whoever holds copies of documents looks here whether any may have changed. What is put in for the first
    # time, or again as it was, nobody has a copy of that is wrong. Not a count, which ends at infinity.
    "CREATE TABLE IF NOT EXISTS item_changes (id INTEGER PRIMARY KEY NOT NULL, n INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO item_changes VALUES (1, 0)",
    "CREATE TRIGGER IF NOT EXISTS item_changed AFTER UPDATE ON items WHEN old.document IS NOT new.document"
    " BEGIN UPDATE item_changes SET n = random(); END",
    "CREATE TRIGGER IF NOT EXISTS item_deleted AFTER DELETE ON items"
    " BEGIN UPDATE item_changes SET n = random(); END",
)

# An older version never replaces a newer one, but for one that is kept no longer: a store that was given back
# from a backup may have gone back, too.
PUT_ITEM = (
    "INSERT INTO items VALUES (?, ?, ?, ?, ?) ON CONFLICT (item_id) DO UPDATE SET"
    " document = excluded.document, expires_at = excluded.expires_at, version = excluded.version,"
    " kept_until = excluded.kept_until"
    " WHERE excluded.version >= version OR kept_until < ?"
)

_NOTHING_CACHED = ""
"""The document where only an item's version is known."""

_encode = msgspec.json.Encoder().encode
_decode_items = msgspec.json.Decoder(list[Item]).decode


def open_cache_file(path: Path) -> sqlite3.Connection:
    """Open the cache's file and create what is missing."""
    connection = connect(path)
    create_tables(connection, path, _TABLES, _SCHEMA_VERSION)
    add_column(connection, path, "items", "version", "INTEGER NOT NULL DEFAULT 0")
    add_column(connection, path, "items", "kept_until", "REAL NOT NULL DEFAULT 0")
    return connection


def item_row(item: Item, version: int, ttl_s: float, now: float) -> tuple[object, ...]:
    """Return what `PUT_ITEM` takes for an item that is to be cached."""
    kept_s = HIDDEN_KEPT_S if item.is_hidden else ttl_s
    return (item.item_id, _encode(item).decode(), now + ttl_s, version, now + kept_s, now)


def version_row(item_id: str, version: int, ttl_s: float, now: float) -> tuple[object, ...]:
    """Return what `PUT_ITEM` takes for an item that is to be forgotten."""
    return (item_id, _NOTHING_CACHED, 0.0, version, now + ttl_s, now)


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
