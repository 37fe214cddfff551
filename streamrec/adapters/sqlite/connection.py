"""Opening of SQLite files, and translation of their errors."""

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from streamrec.errors import ConfigurationError, Unavailable
from streamrec.faults.points import fault_point

BUSY_TIMEOUT_S = 10.0
"""A writer holds the file for milliseconds; whoever waits longer than this faces a stuck process."""

_LONGEST_WAL = 64 * 2**20
"""Bytes: a write-ahead log that grew longer behind a long reader is cut once it is begun anew."""

_LOOKS_OF_S = 0.008
"""SQLite looks for a lock after 1, 3 and 8 ms, then ever less often."""

_PRIMARY = 0xFF
"""Of an error's code: the rest tells of its kinds."""

_CREATED = re.compile(r'CREATE (?:TABLE|INDEX|TRIGGER) IF NOT EXISTS "?([\w.-]+)')

_MEND = "restore a backup, or move the file away to start a new one"

_NOT_A_DATABASE = frozenset({"SQLITE_NOTADB", "SQLITE_CORRUPT"})


def path_of(url: str) -> Path:
    """Return the file of a ``sqlite:///relative`` or ``sqlite:////absolute`` URL.

    >>> path_of("sqlite:///var/events.db").as_posix(), path_of("sqlite:////srv/events.db").as_posix()
    ('var/events.db', '/srv/events.db')

    Raises
    ------
    ConfigurationError
        When the URL names no file.
    """
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or not path:
        raise ConfigurationError(
            f"{url!r} is not of the form sqlite:///relative/file.db or sqlite:////file.db"
        )
    return Path(path)


def connect(path: Path, *, synchronous: str = "NORMAL", gives_space_back: bool = False) -> sqlite3.Connection:
    """Open a file in WAL mode, creating it and its folder; transactions are explicit (autocommit).

    Parameters
    ----------
    synchronous
        ``NORMAL`` survives a killed process, ``FULL`` also a power cut (one fsync a commit).
    gives_space_back
        A file that is created now can be shortened later: some per cent more to write.

    Raises
    ------
    Unavailable
        When the file can't be opened or created.
    ConfigurationError
        When the file is not a SQLite database.
    """
    with translated_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"can't create {path.parent}: {error}; make it writable") from error
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            # Of a file that is there it would take the write lock to change nothing.
            if gives_space_back and not connection.execute("PRAGMA page_count").fetchone()[0]:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA journal_size_limit = {_LONGEST_WAL}")
            connection.execute(f"PRAGMA synchronous = {synchronous}")
        except sqlite3.Error:
            connection.close()
            raise
    return connection


def create_tables(connection: sqlite3.Connection, path: Path, tables: Sequence[str], version: int) -> None:
    """Create what is missing, in one transaction; a connection that can't is closed.

    Where nothing is missing, nothing is written: a process that stands, and holds the lock, keeps no other
    one from its start.

    Parameters
    ----------
    tables
        Statements that may be repeated; those that create nothing belong to one that does.
    version
        Of the schema, kept in the file as ``user_version``.

    Raises
    ------
    ConfigurationError
        When a newer version wrote the file: what it added would be lost without a word.
    """
    try:
        if _refuse_newer(connection, path, version) < version or _is_any_missing(connection, path, tables):
            with transaction(connection, path):
                for table in tables:
                    connection.execute(table)
                connection.execute(f"PRAGMA user_version = {version}")
    except BaseException:
        connection.close()
        raise


def _is_any_missing(connection: sqlite3.Connection, path: Path, tables: Sequence[str]) -> bool:
    with translated_errors(path):
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    return not there.issuperset(name for table in tables for name in _CREATED.findall(table))


def _refuse_newer(connection: sqlite3.Connection, path: Path, version: int) -> int:
    """Return the schema of a file, unless it is newer than this version knows; raises as `create_tables`."""
    with translated_errors(path):
        written = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if written > version:
        raise ConfigurationError(
            f"{path} is of schema {written}, and this version knows {version}: a newer streamrec wrote it; go"
            " on with that version, or restore a backup that was taken before"
        )
    return written


def add_column(connection: sqlite3.Connection, path: Path, table: str, column: str, kind: str) -> None:
    """Give a table of an earlier schema a column that it lacks."""
    with translated_errors(path):
        is_there = _has_column(connection, table, column)
    if not is_there:
        with transaction(connection, path):
            if not _has_column(connection, table, column):  # another process may have been faster
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def _has_column(connection: sqlite3.Connection, table: str, column: str) -> bool:
    return any(name == column for _, name, *_ in connection.execute(f"PRAGMA table_info({table})"))


class _Translated(NamedTuple):
    """Block whose errors of SQLite become ours, with a file's name and what to do; a generator costs more."""

    path: Path

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Raise our error instead of SQLite's."""
        if isinstance(error, sqlite3.OperationalError):
            message = f"{self.path}: {error}; check the file's rights and the disk's free space"
            raise Unavailable(message) from error
        if getattr(error, "sqlite_errorname", "") in _NOT_A_DATABASE:
            raise ConfigurationError(f"{self.path}: {error}; {_MEND}") from error
        if isinstance(error, UnicodeDecodeError):
            # SQLite quotes what it finds in a damaged schema, and its driver reads the complaint as text.
            raise ConfigurationError(f"{self.path} is damaged: {error}; {_MEND}") from error


translated_errors = _Translated


@contextmanager
def impatient(connection: sqlite3.Connection, patience_s: float) -> Iterator[None]:
    """Let what the block does wait for another writer so long at most."""
    before = _patience_ms(connection)
    connection.execute(f"PRAGMA busy_timeout = {round(patience_s * 1000)}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before}")


def _patience_ms(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA busy_timeout").fetchone()[0])


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """Take the write lock, then commit the block, or roll it back when it raises."""
    with translated_errors(path):
        _take_write_lock(connection)
        try:
            yield connection
            fault_point("commit", path, sqlite3.OperationalError)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _take_write_lock(connection: sqlite3.Connection) -> None:
    """Begin a transaction that writes, as soon as nobody else does.

    SQLite's own waiting looks ten times a second in the end, and who writes one transaction after the other
    leaves gaps of less than a millisecond: one who waits so long is not to wait for all of them.
    """
    deadline = time.monotonic() + _patience_ms(connection) / 1000
    with impatient(connection, _LOOKS_OF_S):
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            else:
                return


def in_list(values: Sequence[str]) -> tuple[str, tuple[str | None, ...]]:
    """Return the SQL of an ``IN`` list and its parameters, at most 32,766 (SQLite's limit).

    The length is rounded up to a power of two, so that SQLite prepares a dozen statements, not a thousand;
    NULL, which fills the rest, equals nothing. (``json_each`` would need one statement, but it cuts a text
    at its first NUL.)

    >>> in_list(["a", "b", "c"])
    ('(?,?,?,?)', ('a', 'b', 'c', None))
    """
    size = 1 << max(len(values) - 1, 0).bit_length()
    return _marks(size), (*values, *(None,) * (size - len(values)))


@cache
def _marks(size: int) -> str:
    return f"({','.join('?' * size)})"
