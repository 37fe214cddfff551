"""Backups of a SQLite file, whatever tables it holds."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from streamrec.adapters.sqlite.connection import connect, transaction, translated_errors
from streamrec.adapters.sqlite.open_elsewhere import is_open_elsewhere
from streamrec.durable_files import sync
from streamrec.errors import Conflict, CorruptArtifact, Unavailable
from streamrec.ports.copies import Counts
from streamrec.traces import Trace

_FILE = "data.db"

_SCRUB_PATIENCE_S, _SCRUB_PAUSE_S = 60.0, 0.05

_KEYS = frozenset({"user_id", "key"})
"""Columns of which the whole value is an id, of users alone."""

_OF_ITEMS = frozenset({"log_item-vectors", "log_commands"})
"""Tables of which the keys are ids of items, too."""

_BESIDE = ("-wal", "-shm", "-journal")


class SqliteCopies:
    """Implements `Copies`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def copy_to(self, folder: Path) -> Counts:
        """Write one moment's state; writers go on, and what was deleted is not in the copy's free space.

        SQLite's online backup starts over whenever another process writes, and copies free pages as well.
        """
        if not self._path.exists():
            return {}
        target = folder / _FILE
        with closing(connect(self._path)) as connection, translated_errors(self._path):
            connection.execute("VACUUM INTO ?", (str(target),))
        sync(target)
        sync(folder)
        return _counts_in(target)

    def check_free(self, *, overwrite: bool) -> None:
        """Look whether the file is there, and whether somebody has opened it."""
        if not self._path.exists():
            return
        if not overwrite:
            raise Conflict(f"{self._path} is there already")
        if is_open_elsewhere(self._path):
            raise Conflict(f"a process works with {self._path}: stop it first")

    def restore_from(self, folder: Path) -> Counts:
        """Put the copy in the file's place by one rename."""
        source = folder / _FILE
        if not source.exists():
            return {}
        unfinished = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, unfinished)
            sync(unfinished)
            for end in _BESIDE:
                self._path.with_name(self._path.name + end).unlink(missing_ok=True)
            unfinished.replace(self._path)
            sync(self._path.parent)
        except OSError as error:
            raise Unavailable(f"{self._path} can't be written: {error}") from error
        finally:
            unfinished.unlink(missing_ok=True)
        return _counts_in(self._path)

    def rename_log(self, before: str, after: str) -> None:
        """Let erasures noted of one log be those of another."""
        with (
            closing(connect(self._path, synchronous="FULL")) as connection,
            transaction(connection, self._path),
        ):
            connection.execute("UPDATE OR REPLACE erasures SET log = ? WHERE log = ?", (after, before))

    def traces_of(self, trace: Trace) -> Counts:
        """Return the rows that name a user, by table; topics without what their tables' names begin with."""
        if not self._path.exists():
            return {}
        with closing(connect(self._path)) as connection, translated_errors(self._path):
            return {
                name.removeprefix("log_"): _n_naming(connection, name, trace)
                for name in _tables_of(connection)
            }

    def scrub(self) -> bool:
        """Write the file anew without free space, and empty its write-ahead log."""
        if not self._path.exists():
            return True
        deadline = time.monotonic() + _SCRUB_PATIENCE_S
        with closing(connect(self._path)) as connection, translated_errors(self._path):
            connection.execute("VACUUM")
            while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > deadline:
                    raise Unavailable(f"{self._path}: others read or write it without a pause; try again")
                time.sleep(_SCRUB_PAUSE_S)
        return True

    def close(self) -> None:
        """Return: no connection is kept."""


def _counts_in(path: Path) -> Counts:
    """Return the rows of each table.

    Raises
    ------
    CorruptArtifact
        When the file does not hold together.
    """
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection, translated_errors(path):
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise CorruptArtifact(f"{path}: {found}")
        tables = _tables_of(connection)
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608


def _tables_of(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1").fetchall()
    return [name for (name,) in found if not name.startswith("sqlite_")]


def _n_naming(connection: sqlite3.Connection, table: str, trace: Trace) -> int:
    """Return the rows of a table in which a column is the id, or holds it."""
    columns = [name for _, name, *_ in connection.execute(f'PRAGMA table_info("{table}")')]
    if trace.is_of_item and table in _OF_ITEMS:
        return 0
    equal = [name for name in columns if name in _KEYS or not trace.is_of_item]
    conditions = [f'CAST("{name}" AS BLOB) IN (?, ?, ?)' for name in equal]
    parameters: list[bytes] = [*trace.keys] * len(equal)
    for name in columns:
        conditions += [f'instr(CAST("{name}" AS BLOB), ?)'] * len(trace.tokens)
        parameters += trace.tokens
    statement = f'SELECT count(*) FROM "{table}" WHERE {" OR ".join(conditions)}'  # noqa: S608
    return int(connection.execute(statement, parameters).fetchone()[0])
