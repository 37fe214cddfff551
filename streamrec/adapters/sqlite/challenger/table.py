"""Table of the challenger's vectors of users."""

import sqlite3
from collections.abc import Sequence

from streamrec.domain.generations.challenger import ChallengerUser

TABLES = (
    "CREATE TABLE IF NOT EXISTS challenger_users (user_id TEXT PRIMARY KEY NOT NULL,"
    " generation TEXT NOT NULL, vector BLOB NOT NULL, aging BLOB) WITHOUT ROWID",
)

READ = "SELECT CAST(generation AS BLOB), vector, aging FROM challenger_users WHERE user_id = ?"
DELETE = "DELETE FROM challenger_users WHERE user_id = ?"


def replace(connection: sqlite3.Connection, users: Sequence[ChallengerUser], gone: Sequence[str]) -> None:
    """Delete the rows of users who are gone, then put those of others."""
    connection.executemany(DELETE, [(user_id,) for user_id in gone])
    # In the order of the keys, neighbours on a page are written while the page is at hand.
    rows = sorted((user.user_id, user.generation, user.vector, user.aging) for user in users)
    connection.executemany("INSERT OR REPLACE INTO challenger_users VALUES (?, ?, ?, ?)", rows)
