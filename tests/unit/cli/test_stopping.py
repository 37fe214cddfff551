"""A signal that breaks off what it may, and nothing else."""

import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from streamrec.cli.stopping import Cancellation


@pytest.fixture
def cancellation() -> Iterator[Cancellation]:
    made = Cancellation()
    before = signal.signal(signal.SIGTERM, made.on_signal)
    yield made
    signal.signal(signal.SIGTERM, before)


def test_one_that_came_before_the_block_breaks_it_off(cancellation: Cancellation) -> None:
    done = []
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), cancellation.heeded():
        done.append("block")
    assert done == []


def test_only_the_first_one_breaks_off(cancellation: Cancellation) -> None:
    done = []
    try:
        with cancellation.heeded():
            signal.raise_signal(signal.SIGTERM)
            done.append("block")
    except KeyboardInterrupt:
        signal.raise_signal(signal.SIGTERM)
        done.append("record")
    signal.raise_signal(signal.SIGTERM)
    assert done == ["record"]


def test_one_that_comes_while_another_error_is_recorded_waits(cancellation: Cancellation) -> None:
    done: list[str] = []
    try:
        with cancellation.heeded():
            done.remove("what is not there")
    except ValueError:
        signal.raise_signal(signal.SIGTERM)
        done.append("record")
    assert done == ["record"]


def test_one_that_somebody_else_caught_breaks_off_at_the_next_question(cancellation: Cancellation) -> None:
    done = []
    try:
        with cancellation.heeded():
            cancellation.check()
            with suppress(BaseException):
                signal.raise_signal(signal.SIGTERM)
            done.append("went on")
            cancellation.check()
            done.append("never")
    except KeyboardInterrupt:
        done.append("broken off")
    cancellation.check()
    assert done == ["went on", "broken off"]
