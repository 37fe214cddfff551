"""Whether another process has opened a file of SQLite. Needs nothing but Python."""

import sqlite3
from contextlib import closing
from pathlib import Path


def is_open_elsewhere(path: Path) -> bool:
    """Return whether another process has opened it: then its journal can't be of another kind."""
    try:
        with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        return "locked" in str(error)  # else it is damaged, and nobody works with it
    return False
