"""Erasures in the document store's SQLite file: a row for each partition of the log."""

import os
import sqlite3
from collections.abc import Mapping, Sequence

from streamrec.domain.events.erasure import SALT_BYTES, Erasure, digest_of
from streamrec.ports import Mark

TABLES = (
    "CREATE TABLE IF NOT EXISTS erasures (digest BLOB NOT NULL, log TEXT NOT NULL,"
    " partition INTEGER NOT NULL, next_offset INTEGER NOT NULL, erased_at REAL NOT NULL,"
    " PRIMARY KEY (digest, log, partition)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS installation (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL)"
    " WITHOUT ROWID",
)

_SALT = "erasure-salt"

_NOTE = (
    "INSERT INTO erasures VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest, log, partition) DO UPDATE SET"
    " next_offset = max(next_offset, excluded.next_offset), erased_at = max(erased_at, excluded.erased_at)"
)
_READ = (
    "SELECT CAST(digest AS BLOB), CAST(log AS TEXT), CAST(partition AS INTEGER),"
    " CAST(next_offset AS INTEGER), CAST(erased_at AS REAL) FROM erasures"
)
"""Whatever somebody wrote into the columns."""

_DIGESTS_AT_ONCE = 500
"""Parameters of one statement: every build of SQLite takes 999."""


def salt_of(connection: sqlite3.Connection) -> bytes:
    """Return the installation's salt, making it if there is none; within the caller's transaction."""
    connection.execute("INSERT OR IGNORE INTO installation VALUES (?, ?)", (_SALT, os.urandom(SALT_BYTES)))
    salt: bytes = connection.execute(
        "SELECT CAST(value AS BLOB) FROM installation WHERE name = ?", (_SALT,)
    ).fetchone()[0]
    return salt


def note(connection: sqlite3.Connection, user_id: str, mark: Mark, erased_at: float) -> None:
    """Write an erasure down; within the caller's transaction."""
    digest = digest_of(user_id, salt_of(connection))
    connection.executemany(
        _NOTE,
        [(digest, mark.log, partition, offset, erased_at) for partition, offset in mark.offsets.items()],
    )


def read(connection: sqlite3.Connection, digests: Sequence[bytes] | None) -> list[Erasure]:
    """Return the erasures of some users, or all."""
    if digests is None:
        return _grouped(connection.execute(_READ).fetchall())
    rows: list[tuple[bytes, str, int, int, float]] = []
    for first in range(0, len(digests), _DIGESTS_AT_ONCE):
        some = digests[first : first + _DIGESTS_AT_ONCE]
        marks = ",".join("?" * len(some))
        rows += connection.execute(f"{_READ} WHERE digest IN ({marks})", list(some)).fetchall()
    return _grouped(rows)


def limit(connection: sqlite3.Connection, log: str, ends: Mapping[int, int]) -> None:
    """Move what stands behind a log's end to there; within the caller's transaction."""
    connection.executemany(
        "UPDATE erasures SET next_offset = ? WHERE log = ? AND partition = ? AND next_offset > ?",
        [(end, log, partition, end) for partition, end in ends.items()],
    )


def _grouped(rows: Sequence[tuple[bytes, str, int, int, float]]) -> list[Erasure]:
    offsets: dict[tuple[bytes, str], dict[int, int]] = {}
    times: dict[tuple[bytes, str], float] = {}
    for digest, log, partition, offset, erased_at in rows:
        offsets.setdefault((digest, log), {})[partition] = offset
        times[digest, log] = max(erased_at, times.get((digest, log), erased_at))
    return [
        Erasure(digest, log, by_partition, times[digest, log])
        for (digest, log), by_partition in offsets.items()
    ]
