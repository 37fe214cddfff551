"""Beside writers that never rest: write-ahead logs stay short, and whoever writes seldom gets in between."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from streamrec.adapters.sqlite.connection import connect, impatient, transaction
from streamrec.adapters.sqlite.retention.write_ahead_log import copy_back
from streamrec.errors import Unavailable

MEGABYTE = 2**20
ROW = bytes(20_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.db"
    with closing(opened(path)) as file:
        file.execute("CREATE TABLE rows (place INTEGER PRIMARY KEY, value BLOB)")
    return path


def opened(path: Path) -> sqlite3.Connection:
    """Return a connection that does not copy back by itself, as the store's."""
    connection = connect(path, synchronous="FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 64000")
    return connection


def write(connection: sqlite3.Connection, path: Path, place: int) -> None:
    with transaction(connection, path):
        connection.execute("INSERT OR REPLACE INTO rows VALUES (?, ?)", (place % 100, ROW))


@contextmanager
def writing(path: Path, written: list[int]) -> Iterator[None]:
    """Let two writers write one transaction after the other, and append what they wrote."""
    is_over = Event()

    def run() -> None:
        with closing(opened(path)) as connection:
            while not is_over.is_set():
                write(connection, path, len(written))
                written.append(len(ROW))

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def wal_of(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


def test_a_log_that_is_always_written_to_is_begun_anew(path: Path) -> None:
    written: list[int] = []
    with writing(path, written), closing(opened(path)) as housekeeper:
        n_bytes, longest = 0, 0
        while n_bytes < 96 * MEGABYTE:
            n_before = len(written)
            while len(written) - n_before < 100:  # two megabytes
                time.sleep(0.001)
            copy_back(housekeeper)
            n_bytes, longest = sum(written), max(longest, wal_of(path))
    assert longest < n_bytes  # copied back without it, the log is twice as long


def n_pages(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])


def test_the_next_writer_begins_a_log_anew_that_was_long(path: Path) -> None:
    with closing(opened(path)) as connection:
        for place in range(300):
            write(connection, path, place)
        assert n_pages(connection) > 1000
        copy_back(connection)
        write(connection, path, 0)
        assert n_pages(connection) < 20


def test_a_reader_that_stays_ends_the_wait_and_loses_nothing(path: Path) -> None:
    with closing(opened(path)) as connection, closing(opened(path)) as reader, closing(opened(path)) as other:
        write(connection, path, 0)
        reader.execute("BEGIN")
        assert len(reader.execute("SELECT place FROM rows").fetchall()) == 1
        for place in range(400):
            write(connection, path, place)
        copy_back(other)
        assert len(reader.execute("SELECT place FROM rows").fetchall()) == 1
        write(connection, path, 7)
        reader.execute("COMMIT")
        assert len(reader.execute("SELECT place FROM rows").fetchall()) == 100
        copy_back(other)
        write(connection, path, 7)
        assert n_pages(other) < 20


def test_who_writes_seldom_gets_in_between_those_who_always_write(path: Path) -> None:
    written: list[int] = []
    with writing(path, written), closing(opened(path)) as connection, impatient(connection, 5.0):
        for place in range(30):
            write(connection, path, place)  # raises after that patience
            time.sleep(0.01)  # else this one would be such a writer, too
    assert len(written) > 30


def test_patience_is_what_it_was_after_a_block_that_changed_it(path: Path) -> None:
    with closing(opened(path)) as connection:
        with impatient(connection, 2.0):
            write(connection, path, 0)
            assert connection.execute("PRAGMA busy_timeout").fetchone() == (2000,)
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (10_000,)
        with closing(opened(path)) as other, transaction(other, path), impatient(connection, 0.05):
            with pytest.raises(Unavailable, match="locked"):
                write(connection, path, 0)
            assert connection.execute("PRAGMA busy_timeout").fetchone() == (50,)
