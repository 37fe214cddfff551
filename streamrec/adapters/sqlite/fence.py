"""The newest fencing tokens that wrote into a SQLite file, compared in the transaction of each write."""

import sqlite3
from pathlib import Path

from streamrec.ports import Fence, Lease, check_token

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
