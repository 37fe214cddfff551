"""Lag of a reader behind a log, on real logs: the partition that is furthest behind says it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamrec.adapters.opening import open_event_sink, open_event_source
from streamrec.ports import INTERACTIONS, EventSink, EventSource, Message
from streamrec.process.progress import Progress

USERS = [f"u{number}" for number in range(40)]
"""On each of the partitions stand some of them."""

DEADLINE_S = 60.0


class Log:
    def __init__(self, url: str) -> None:
        self.sink: EventSink = open_event_sink(url)
        self.source: EventSource = open_event_source(url, (INTERACTIONS,), "trainer")
        self.started_at = time.time()
        self.progress = Progress(self.source, self.started_at)

    def append(self, *users: str) -> None:
        ends = n_in(self.source)
        self.sink.append(INTERACTIONS, [Message(user, b"{}") for user in users])
        until(lambda: n_in(self.source) == ends + len(users))

    def read(self, n: int, at_once: int = 1000) -> set[int]:
        """Read `n` records; return their partitions."""
        partitions = set()
        deadline = time.monotonic() + DEADLINE_S
        while n > 0:
            assert time.monotonic() < deadline
            records = self.source.poll(min(n, at_once), 1.0)
            if records:
                self.progress.note(records)
            partitions |= {record.partition for record in records}
            n -= len(records)
        return partitions

    def lag_s(self, later_s: float) -> float:
        return self.progress.gauges(self.started_at + later_s)["lag_s"]

    def close(self) -> None:
        self.source.close()
        self.sink.close()


def n_in(source: EventSource) -> int:
    return sum(source.end_offsets().get(INTERACTIONS, {}).values())


def until(is_so: object) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < deadline


@pytest.fixture(params=["sqlite", "kafka", "kafka+confluent"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    url = f"sqlite:///{tmp_path}/events.db"
    if request.param != "sqlite":
        url = request.getfixturevalue("kafka_url").replace("kafka:", f"{request.param}:") + "?partitions=4"
    opened = Log(url)
    yield opened
    opened.close()


def test_what_is_not_read_lags_and_what_is_read_to_its_end_does_not(log: Log) -> None:
    log.append(*USERS)
    assert log.lag_s(100.0) == pytest.approx(100.0, abs=DEADLINE_S)
    log.read(len(USERS))
    assert log.lag_s(200.0) == 0.0
    assert log.lag_s(90_000.0) == 0.0


def test_the_partition_that_is_furthest_behind_counts(log: Log) -> None:
    log.append(*USERS)
    log.read(len(USERS))
    assert log.lag_s(1000.0) == 0.0
    log.append(*USERS)
    assert log.lag_s(1100.0) == pytest.approx(100.0, abs=1.0)  # all of it came since the last look
    log.append(USERS[0])
    read = log.read(len(USERS))
    assert read
    # One record is left, and it may be of either portion.
    assert 0.0 <= log.lag_s(1300.0) <= 300.0
    log.read(1)
    assert log.lag_s(1400.0) == 0.0


def test_a_partition_that_rested_does_not_lag_for_as_long_as_it_rested(log: Log) -> None:
    log.append(*USERS)
    log.read(len(USERS))
    assert log.lag_s(50_000.0) == 0.0
    log.append(USERS[0])
    assert log.lag_s(50_001.0) <= 1.0 + 1e-3


def test_old_records_that_come_late_lag_since_they_came(log: Log) -> None:
    """A producer may give its records the time of what they tell of; what is seen of the log bounds that."""
    log.append(*USERS)
    log.read(len(USERS))
    assert log.lag_s(1000.0) == 0.0
    log.append(*USERS, *USERS)
    log.read(len(USERS))
    for lag in log.progress._partitions.values():
        lag.appended_at = 9e8  # as its producer says
    assert log.lag_s(1010.0) <= 10.0
    for lag in log.progress._partitions.values():
        lag.appended_at = 9e9
    assert log.lag_s(1060.0) == pytest.approx(50.0, abs=1.0)
