"""Write-ahead logs of SQLite files: they are copied back, and begun anew where they are long."""

import sqlite3
import time

from streamrec.adapters.sqlite.connection import impatient

_LONG_WAL = 1000
"""Pages, 4 MB as in SQLite's own rule: a longer write-ahead log is begun anew."""

_RESTART_PATIENCE_S, _RESTART_PAUSE_S = 2.0, 0.001
"""Patience, and pause between looks, for a moment in which nobody writes, or reads what is to go."""


def copy_back(connection: sqlite3.Connection) -> None:
    """Copy the write-ahead log into the file, and begin it anew where it is long.

    Copying alone does not end it where somebody always writes: behind what is copied there is something new
    by then. So most of it is copied while others write, and the rest, which is little, while they wait. No
    writer waits for a reader: where one is in the way, the lock is given back and taken again.
    """
    _is_busy, n_pages, _n_copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if n_pages <= _LONG_WAL:
        return
    deadline = time.monotonic() + _RESTART_PATIENCE_S
    with impatient(connection, 0.0):
        # SQLite's own waiting looks less and less often, and does not find the moment between two writers.
        while connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]:
            if time.monotonic() > deadline:
                return
            time.sleep(_RESTART_PAUSE_S)
