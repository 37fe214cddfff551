"""Steps of users in the SQLite cache: a row each, and one of each user."""

import sqlite3
from collections.abc import Mapping, Sequence

from streamrec.domain.users.steps import KEPT_S, MAX_STEPS, MAX_USERS, REFUSED_S, Step, encode_step

CREATE_STEPS = (
    "CREATE TABLE IF NOT EXISTS steps (user_id TEXT NOT NULL, at REAL NOT NULL, step TEXT NOT NULL,"
    " PRIMARY KEY (user_id, at, step)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS steps_users (user_id TEXT PRIMARY KEY NOT NULL, last_at REAL NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS steps_refused (user_id TEXT PRIMARY KEY NOT NULL, until REAL NOT NULL)"
    " WITHOUT ROWID",
)

READ_STEPS = (
    "SELECT CAST(step AS BLOB) FROM steps WHERE user_id = ? AND at > ? ORDER BY at DESC, step DESC LIMIT ?"
)

_DROP_OLDEST_STEPS = (
    "DELETE FROM steps WHERE user_id = ? AND (at, step) < (SELECT at, step FROM steps WHERE user_id = ?"
    " ORDER BY at DESC, step DESC LIMIT 1 OFFSET ?)"
)

_NOTE_USER = (
    "INSERT INTO steps_users VALUES (?, ?) ON CONFLICT (user_id)"
    " DO UPDATE SET last_at = max(last_at, excluded.last_at)"
)

_USERS_TO_DROP = (
    "SELECT user_id FROM steps_users WHERE last_at <= ? UNION"
    " SELECT user_id FROM (SELECT user_id FROM steps_users ORDER BY last_at DESC LIMIT -1 OFFSET ?)"
)


def add_steps(connection: sqlite3.Connection, steps: Mapping[str, Sequence[Step]], now: float) -> None:
    """Add steps of users who were not forgotten a moment ago; the oldest go beyond the bounds."""
    connection.execute("DELETE FROM steps_refused WHERE until <= ?", (now,))
    refused = {user_id for (user_id,) in connection.execute("SELECT user_id FROM steps_refused")}
    for user_id, added in steps.items():
        if not added or user_id in refused:
            continue
        rows = [(user_id, step.at, encode_step(step).decode()) for step in added]
        connection.executemany("INSERT OR IGNORE INTO steps VALUES (?, ?, ?)", rows)
        connection.execute(_DROP_OLDEST_STEPS, (user_id, user_id, MAX_STEPS - 1))
        connection.execute(_NOTE_USER, (user_id, max(step.at for step in added)))
    dropped = connection.execute(_USERS_TO_DROP, (now - KEPT_S, MAX_USERS)).fetchall()
    connection.executemany("DELETE FROM steps WHERE user_id = ?", dropped)
    connection.executemany("DELETE FROM steps_users WHERE user_id = ?", dropped)


def forget_steps(connection: sqlite3.Connection, user_id: str, now: float) -> None:
    """Remove a user's steps, and write down until when no more are to be added."""
    connection.execute("INSERT OR REPLACE INTO steps_refused VALUES (?, ?)", (user_id, now + REFUSED_S))
    connection.execute("DELETE FROM steps WHERE user_id = ?", (user_id,))
    connection.execute("DELETE FROM steps_users WHERE user_id = ?", (user_id,))
