"""Tables of the SQLite document store, and what a row holds."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from streamrec.adapters.sqlite import erasures as sqlite_erasures
from streamrec.adapters.sqlite.batch_lists import table as batch_lists
from streamrec.adapters.sqlite.challenger import table as challenger
from streamrec.adapters.sqlite.connection import add_column, connect, create_tables
from streamrec.adapters.sqlite.experiments import table as experiments
from streamrec.domain.items.item import ItemPage, ItemPosition, ItemVersions, decode_item, versioned
from streamrec.domain.users.less import Less
from streamrec.domain.users.user import NO_PROFILE, Profile, UserDocument, UserState, document_of, state_of
from streamrec.errors import Damaged
from streamrec.payload import decoded

_SCHEMA_VERSION = 3

_CACHE_KIB = 64 * 1024
"""Page cache a connection. Interior pages of 1,000,000 users and their seen items take about 10 MB; the rest
are leaves, of which a stream touches the same ones again and again."""

FEW_KIB = 8 * 1024
"""Page cache of a connection that reads single rows, here and there."""

_AUTOCHECKPOINT_PAGES = 64_000
"""The log is copied back after 256 MB, not SQLite's 4: a page that many publications touch is copied once."""

_TABLES = (
    # WITHOUT ROWID: one tree to descend per upsert instead of two: half as fast again at 1,000,000 users.
    # The state's columns are the trainer's, `attributes` the services'; each leaves the other's alone.
    "CREATE TABLE IF NOT EXISTS users (user_id TEXT PRIMARY KEY NOT NULL, generation TEXT, vector BLOB,"
    " recent TEXT, disliked TEXT, n_events INTEGER, updated_at REAL, attributes TEXT,"
    " profile TEXT, recent_at TEXT, aging BLOB, less TEXT) WITHOUT ROWID",
    # One tree, newest last: no sort for the user who has seen 1,000,000 items, and half of what a second
    # tree for uniqueness would cost a stream. An item seen again stands there twice; readers take it once.
    "CREATE TABLE IF NOT EXISTS seen (user_id TEXT NOT NULL, seen_at REAL NOT NULL, item_id TEXT NOT NULL,"
    " PRIMARY KEY (user_id, seen_at, item_id)) WITHOUT ROWID",
    # A deleted item stays for a while, for its version: see `retention.store`.
    "CREATE TABLE IF NOT EXISTS items (item_id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL,"
    " version INTEGER NOT NULL DEFAULT 0, deleted_at REAL)",
    "CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY NOT NULL, owner TEXT, token INTEGER NOT NULL,"
    " expires_at REAL NOT NULL) WITHOUT ROWID",
    *sqlite_erasures.TABLES,
    *experiments.TABLES,
    *batch_lists.TABLES,
    *challenger.TABLES,
)

_ADDED_COLUMNS = (
    ("users", "profile", "TEXT"),
    ("users", "recent_at", "TEXT"),
    ("users", "aging", "BLOB"),
    ("users", "less", "TEXT"),
    ("items", "version", "INTEGER NOT NULL DEFAULT 0"),
    ("items", "deleted_at", "REAL"),
)
"""Columns that files of earlier schemas lack."""

_VERSIONS_INDEX = "CREATE INDEX IF NOT EXISTS items_versions ON items (version, item_id)"
"""Of the index that readers of all items find changes by, once a second."""

NEXT_ITEMS = (
    "SELECT CAST(item_id AS BLOB), CAST(document AS BLOB), version FROM items"
    " WHERE (version, item_id) > (?, +CAST(? AS TEXT)) AND typeof(version) = 'integer'"
    " AND typeof(item_id) = 'text' ORDER BY version, item_id LIMIT ?"
)
"""The plus takes the affinity away: with it SQLite seeks by the version alone, and goes through all items of
a version, which a file of 10,000 has, for each page of them."""

SUM_CHANGED = (
    "SELECT count(*), coalesce(sum(version - ?1), 0) FROM items WHERE version BETWEEN ?1 AND ?2"
    " AND typeof(version) = 'integer' AND typeof(item_id) = 'text'"
)

_DELETED_INDEX = "CREATE INDEX IF NOT EXISTS items_deleted ON items (deleted_at) WHERE deleted_at IS NOT NULL"

STATE_COLUMNS = (
    "user_id, generation, vector, recent, disliked, n_events, updated_at, profile, recent_at, aging, less"
)

_N_STATE_COLUMNS = STATE_COLUMNS.count(",") + 1

READ_COLUMNS = (
    "user_id, CAST(generation AS BLOB), vector, CAST(recent AS BLOB), CAST(disliked AS BLOB), n_events,"
    " updated_at, CAST(profile AS BLOB), CAST(recent_at AS BLOB), aging, CAST(less AS BLOB),"
    " CAST(attributes AS BLOB)"
)
"""As bytes: of a text that is no UTF-8 SQLite's driver reads nothing, nor of the rows beside it."""

_decode_ids = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_times = msgspec.json.Decoder(tuple[int, ...]).decode
_decode_attributes = msgspec.json.Decoder(dict[str, Any]).decode
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_less = msgspec.json.Decoder(tuple[Less, ...]).decode
_encoder = msgspec.json.Encoder()


def open_store_file(path: Path, *, cache_kib: int = _CACHE_KIB) -> sqlite3.Connection:
    """Open the store's file and create what is missing.

    What was written survives a power cut too: the trainer's checkpoint must never be ahead of the store.

    Parameters
    ----------
    cache_kib
        KiB of pages that the connection keeps at most.

    Raises
    ------
    Unavailable
        When the file can't be opened.
    ConfigurationError
        When it is not a SQLite database.
    """
    connection = connect(path, synchronous="FULL")
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_AUTOCHECKPOINT_PAGES}")
    create_tables(connection, path, _TABLES, _SCHEMA_VERSION)
    for table, column, kind in _ADDED_COLUMNS:
        add_column(connection, path, table, column, kind)
    create_tables(connection, path, (_DELETED_INDEX, _VERSIONS_INDEX), _SCHEMA_VERSION)
    return connection


def encode_text(value: object) -> str:
    """Write JSON as text, for people to read in the file."""
    return _encoder.encode(value).decode()


def state_row(state: UserState) -> tuple[object, ...]:
    """Return a state in the order of `STATE_COLUMNS`."""
    return (
        state.user_id,
        state.generation,
        state.vector,
        encode_text(state.recent),
        encode_text(state.disliked),
        state.n_events,
        state.updated_at,
        encode_text(state.profile),
        encode_text(state.recent_at),
        state.aging,
        encode_text(state.less) if state.less else None,
    )


def is_utf8(text: bytes) -> bool:
    """Return whether bytes are text."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def decode_ids(written: bytes) -> tuple[str, ...]:
    """Read a list of ids.

    Raises
    ------
    Damaged
        When it is none.
    """
    return decoded(_decode_ids, written)


def _state_of(row: tuple[Any, ...]) -> UserState | None:
    """Read a row that starts with `READ_COLUMNS`; None when the trainer does not know the user."""
    user_id, generation, vector, recent, disliked, n_events, updated_at, *added = row[:_N_STATE_COLUMNS]
    profile, recent_at, aging, less = added
    if generation is None:
        return None
    fields = {
        "user_id": user_id,
        "generation": decoded(bytes.decode, generation),
        "vector": vector,
        "recent": decode_ids(recent),
        "disliked": decode_ids(disliked),
        "n_events": n_events,
        "updated_at": updated_at,
        "profile": decoded(_decode_profile, profile) if profile else NO_PROFILE,
        "recent_at": decoded(_decode_times, recent_at) if recent_at else (),
        "aging": aging,
        "less": decoded(_decode_less, less) if less else (),
    }
    return state_of(fields)


def user_of(row: tuple[Any, ...]) -> UserDocument:
    """Read a row of `READ_COLUMNS`.

    Raises
    ------
    Damaged
        When it can't be read; its `rest` is a document of what can.
    """
    attributes = row[_N_STATE_COLUMNS]
    return document_of(
        row[0], lambda: _state_of(row), lambda: decoded(_decode_attributes, attributes) if attributes else {}
    )


def versions_of(rows: Sequence[tuple[str, bytes, Any]]) -> ItemVersions:
    """Read (item_id, document, version).

    Raises
    ------
    Damaged
        When some are none; its `rest` holds the others.
    """
    documents = ((row[0], row) for row in rows)
    return versioned(lambda row: decode_item(row[1], row[0]), documents, {row[0]: row[2] for row in rows})


def page_of(rows: Sequence[tuple[bytes, bytes, int]], after: ItemPosition, limit: int) -> ItemPage:
    """Read rows of `NEXT_ITEMS`; what is no item is passed over."""
    items = {}
    for key, document, _ in rows:
        try:
            item_id = key.decode()
            items[item_id] = decode_item(document, item_id)
        except (UnicodeDecodeError, Damaged):
            continue
    places = [ItemPosition(version, key) for key, _, version in rows]
    return ItemPage(items, places[-1] if places else after, len(places) < limit, places)
