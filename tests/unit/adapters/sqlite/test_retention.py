"""The logs of a SQLite file stay within their bounds: what is needed is kept, who is behind is told."""

import os
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from streamrec.adapters.sqlite.events import SqliteEventSink, SqliteEventSource
from streamrec.adapters.sqlite.retention.log import LogBounds, SqliteLogRetention
from streamrec.errors import LogTruncated, Unavailable
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, REJECTED, Message, Offsets

UNBOUNDED = 10**12

ALL_READ: Offsets = {INTERACTIONS: {0: 10**9}, COMMANDS: {0: 10**9}}


def append(path: Path, n: int, topic: str = INTERACTIONS, size: int = 200) -> None:
    sink = SqliteEventSink(path)
    sink.append(topic, [Message(f"k{number}", bytes(size)) for number in range(n)])
    sink.close()


def age(path: Path, seconds: float, condition: str = "1", topic: str = INTERACTIONS) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute(f'UPDATE "log_{topic}" SET appended_at = appended_at - ? WHERE {condition}', (seconds,))
        file.commit()


def offsets_left(path: Path, topic: str = INTERACTIONS) -> list[int]:
    with closing(sqlite3.connect(path)) as file:
        return [row[0] - 1 for row in file.execute(f'SELECT position FROM "log_{topic}" ORDER BY position')]


def prune(path: Path, needed: Offsets | None, *, age_s: float = 3600.0, n_bytes: int = UNBOUNDED) -> int:
    retention = SqliteLogRetention(path, LogBounds(age_s, n_bytes))
    try:
        return retention.prune(needed)
    finally:
        retention.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


def test_what_is_old_goes_but_nothing_that_a_checkpoint_needs(path: Path) -> None:
    append(path, 100)
    age(path, 7200.0, "position <= 60")
    assert prune(path, None) == 0  # nobody has learned anything
    assert prune(path, {}) == 0
    assert prune(path, {INTERACTIONS: {0: 40}}) == 40
    assert offsets_left(path) == list(range(40, 100))
    assert prune(path, ALL_READ) == 20
    assert prune(path, ALL_READ) == 0
    append(path, 1)
    assert offsets_left(path)[-1] == 100  # no offset is given out twice


def test_lists_are_kept_where_somebody_reads_them(path: Path) -> None:
    append(path, 100, IMPRESSIONS)
    age(path, 7200.0, "position <= 60", IMPRESSIONS)
    assert prune(path, ALL_READ | {IMPRESSIONS: {0: 40}}) == 40
    assert prune(path, ALL_READ) == 20
    assert offsets_left(path, IMPRESSIONS) == list(range(60, 100))


def test_beyond_its_size_the_file_keeps_no_more_than_is_needed(path: Path) -> None:
    append(path, 10_000)
    n_bytes = path.stat().st_size
    prune(path, {INTERACTIONS: {0: 9_000}}, n_bytes=500_000)
    assert 1_000 <= len(offsets_left(path)) < 5_000
    for _ in range(4):
        append(path, 10_000)
        prune(path, ALL_READ, n_bytes=500_000)
    assert path.stat().st_size <= 1.5 * n_bytes  # pages are used again, and given back


def test_a_file_that_was_once_large_is_shortened(path: Path) -> None:
    append(path, 6_000, size=8000)
    n_bytes = path.stat().st_size
    for _ in range(6):
        prune(path, ALL_READ, n_bytes=1_000_000)
    assert path.stat().st_size < n_bytes / 4


def test_every_topic_has_its_bound(path: Path) -> None:
    for topic in (IMPRESSIONS, REJECTED, COMMANDS):
        append(path, 10, topic)
        age(path, 7200.0, "position <= 9", topic)
    assert prune(path, {INTERACTIONS: {0: 0}, COMMANDS: {0: 5}}) == 9 + 9 + 5
    assert offsets_left(path, COMMANDS) == list(range(5, 10))


def test_a_clock_that_is_set_back_or_far_ahead_removes_nothing_young(path: Path) -> None:
    append(path, 50)
    for now in (time.time() - 10**8, time.time() + 10**8):
        retention = SqliteLogRetention(path, LogBounds(3600.0, UNBOUNDED), partial(float, now))
        assert retention.prune(ALL_READ) == 0
        retention.close()


def test_whoever_comes_too_late_is_told(path: Path) -> None:
    source = SqliteEventSource(path, [COMMANDS, INTERACTIONS], "late")
    append(path, 100)
    source.seek({INTERACTIONS: {0: 10}})
    age(path, 7200.0, "position <= 60")
    prune(path, ALL_READ)
    with pytest.raises(LogTruncated, match="begins at offset 60.* removed 50 unread records.* go on at 10"):
        source.poll(10, 0.0)
    with pytest.raises(LogTruncated, match="begins at offset 60"):
        source.seek({INTERACTIONS: {0: 59}})
    source.seek({INTERACTIONS: {0: 60}})
    assert source.poll(1, 0.0)[0].offset == 60
    source.seek({})  # from what is left
    assert source.poll(1, 0.0)[0].offset == 60
    source.seek({INTERACTIONS: {0: 70}})
    age(path, 7200.0)
    append(path, 1)
    prune(path, ALL_READ)
    append(path, 1)
    with pytest.raises(LogTruncated):
        source.poll(10, 0.0)
    source.close()


def test_a_log_of_which_everything_went_is_told_of_too(path: Path) -> None:
    source = SqliteEventSource(path, [INTERACTIONS], "late")
    append(path, 10)
    source.seek({INTERACTIONS: {0: 5}})
    prune(path, ALL_READ, n_bytes=0)
    with pytest.raises(LogTruncated):
        source.poll(10, 0.0)
    source.seek({INTERACTIONS: {0: 10}})
    assert source.poll(10, 0.0) == []
    source.close()


def test_readers_and_other_removers_are_no_hindrance(path: Path) -> None:
    append(path, 10_000)
    age(path, 7200.0)
    append(path, 1)
    with closing(sqlite3.connect(path)) as backup:
        backup.execute("BEGIN")
        assert backup.execute("SELECT count(*) FROM log_interactions").fetchone() == (10_001,)
        one, other = (SqliteLogRetention(path, LogBounds(3600.0, UNBOUNDED)) for _ in range(2))
        assert one.prune(ALL_READ) + other.prune(ALL_READ) == 10_000
        assert backup.execute("SELECT count(*) FROM log_interactions").fetchone() == (10_001,)
    one.close()
    other.close()
    assert offsets_left(path) == [10_000]


@contextmanager
def full_disk() -> Iterator[None]:
    """Let this process write nothing beyond a file's first page."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_the_next_round_goes_on(path: Path) -> None:
    append(path, 5_000)
    age(path, 7200.0)
    append(path, 1)
    retention = SqliteLogRetention(path, LogBounds(3600.0, UNBOUNDED))
    with full_disk(), pytest.raises(Unavailable, match="free space"):
        retention.prune(ALL_READ)
    assert retention.prune(ALL_READ) > 0
    assert offsets_left(path) == [5_000]
    retention.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_without_the_right_to_write_is_told(path: Path) -> None:
    append(path, 10)
    age(path, 7200.0)
    path.chmod(0o444)
    with pytest.raises(Unavailable):
        prune(path, ALL_READ)
