import threading
import time

import pytest
import structlog

from faiss_server.background import Repeated
from streamrec.errors import Unavailable

_LONG_S = 120.0


def test_a_step_is_repeated_until_stopped() -> None:
    enough, n_steps = threading.Event(), [0]

    def step() -> None:
        n_steps[0] += 1
        if n_steps[0] >= 3:
            enough.set()

    thread = Repeated("count", step)
    assert enough.wait(_LONG_S)
    thread.stop()
    n_steps_when_stopped = n_steps[0]
    time.sleep(0.05)
    assert n_steps[0] == n_steps_when_stopped


def test_a_failure_is_told_and_the_step_tried_again() -> None:
    recovered = threading.Event()
    problems: list[str | None] = []

    def step() -> None:
        if not problems:
            raise OSError("no disk")

    def note(problem: str | None) -> None:
        problems.append(problem)
        if problem is None:
            recovered.set()

    thread = Repeated("fail", step, 0.01, on_problem=note)
    assert recovered.wait(_LONG_S)
    thread.stop()
    assert problems[:2] == ["OSError: no disk", None]


@pytest.mark.parametrize(
    ("error", "level"), [(Unavailable("no broker"), "warning"), (OSError("no disk"), "error")]
)
def test_only_what_nobody_expected_is_logged_with_a_stack_trace(error: Exception, level: str) -> None:
    told = threading.Event()

    def step() -> None:
        raise error

    def note(_problem: str | None) -> None:
        told.set()

    with structlog.testing.capture_logs() as logs:
        thread = Repeated("fail", step, on_problem=note)
        assert told.wait(_LONG_S)
        thread.stop()
    assert (logs[0]["log_level"], "exc_info" in logs[0]) == (level, level == "error")
