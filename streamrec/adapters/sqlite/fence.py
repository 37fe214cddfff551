"""Leases in a SQLite file, and the newest fencing tokens that wrote into it, compared in each write."""

import sqlite3
from pathlib import Path

from streamrec.errors import LeaseLost
from streamrec.ports import LONGEST_LEASE_S, MAX_TOKEN, Fence, Lease, check_token

CREATE_FENCES = "CREATE TABLE IF NOT EXISTS fences (name TEXT PRIMARY KEY NOT NULL, token INTEGER NOT NULL)"


def hold_fence(connection: sqlite3.Connection, path: Path, writer: Lease | Fence) -> None:
    """Refuse earlier holders from now on; within the caller's transaction.

    Raises
    ------
    LeaseLost
        When a later holder has written.
    """
    row = connection.execute("SELECT token FROM fences WHERE name = ?", (writer.name,)).fetchone()
    held = row[0] if row and isinstance(row[0], int) else 0
    check_token(writer, held, f"its row of the table fences in {path}")
    if held < writer.token:
        connection.execute("INSERT OR REPLACE INTO fences VALUES (?, ?)", (writer.name, writer.token))


def take_lease(
    connection: sqlite3.Connection, name: str, owner: str, duration_s: float, now: float
) -> Lease | None:
    """Take or renew a lease within the caller's transaction; None while somebody else holds it."""
    row = connection.execute(
        "SELECT CAST(owner AS BLOB), iif(typeof(token) = 'integer', token, -1),"
        " CAST(expires_at AS REAL) FROM leases"
        " WHERE name = ?",
        (name,),
    ).fetchone()
    holder, token, expires_at = row or (None, 0, 0.0)
    # What nobody can have written is as good as no lease: it must not keep all trainers waiting.
    is_sound = 0 <= token < MAX_TOKEN
    if holder != owner.encode() or not is_sound:
        token = token if is_sound else 0
        if is_sound and holder is not None and now < expires_at < now + LONGEST_LEASE_S:
            return None
        # At least the time: larger than those in checkpoints that outlived another store. And larger
        # than those of other leases: a generation goes on under another role's, and its token grows.
        largest = connection.execute(
            "SELECT max(token) FROM leases WHERE typeof(token) = 'integer' AND token < ?",
            (MAX_TOKEN,),
        ).fetchone()[0]
        token = max(token + 1, (largest or 0) + 1, int(now))
    lease = Lease(name, owner, token, now + duration_s)
    connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)", lease)
    return lease


def check_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Return if no later holder has the lease, within the caller's transaction.

    Raises
    ------
    LeaseLost
        When a larger token has been given out.
    """
    row = connection.execute(
        "SELECT CAST(token AS INTEGER) FROM leases WHERE name = ?", (lease.name,)
    ).fetchone()
    if row and row[0] > lease.token:
        raise LeaseLost(f"lease {lease.name!r} has gone to another trainer (token {row[0]} > {lease.token})")
