"""Warnings of what fails again and again."""

import threading

import pytest
from structlog.testing import capture_logs

from streamrec.errors import Unavailable
from streamrec.log_limits import LogLimit
from streamrec.process.retries import patiently
from streamrec.telemetry import NullMetrics


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_line_of_a_kind_in_ten_seconds_with_the_number_of_the_others() -> None:
    clock = Clock()
    limit = LogLimit(clock=clock)
    with capture_logs() as lines:
        for tick in range(0, 300):
            clock.now = tick / 10
            limit.warn("away", about="one", error=f"e{tick}")
    assert [(line["error"], line.get("n_left_out")) for line in lines] == [
        ("e0", None), ("e100", 99), ("e200", 99),
    ]  # fmt: skip


def test_kinds_do_not_hide_one_another() -> None:
    limit = LogLimit()
    with capture_logs() as lines:
        for _ in range(3):
            limit.warn("away", about="one")
            limit.warn("away", about="two")
            limit.warn("full", about="one")
    assert [line["event"] for line in lines] == ["away", "away", "full"]


def test_any_number_of_kinds_takes_bounded_memory() -> None:
    limit = LogLimit()
    with capture_logs():
        for number in range(5000):
            limit.warn("away", about=str(number))
    assert len(limit._due) < 1000


def test_threads_that_wait_for_one_part_write_one_line() -> None:
    giving_up, n_tries = threading.Event(), [0]

    def ask() -> None:
        n_tries[0] += 1
        if n_tries[0] > 40:
            giving_up.set()
        raise Unavailable(f"mongodb://here: not primary, try {n_tries[0]}")

    def wait() -> None:
        with pytest.raises(Unavailable):
            patiently(giving_up, NullMetrics())(ask)

    with capture_logs() as lines:
        threads = [threading.Thread(target=wait) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60.0)
    assert [line["event"] for line in lines] == ["waiting_for_a_part"]
