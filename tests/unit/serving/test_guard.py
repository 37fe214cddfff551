"""Timeouts, and the pause after one."""

import asyncio

import pytest

from streamrec.errors import Unavailable
from streamrec.serving.guard import PAUSE_S, Answered, Guard
from streamrec.telemetry import NullMetrics


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class CountingMetrics(NullMetrics):
    def __init__(self) -> None:
        self.counted: list[str] = []

    def count(self, name: str, n: int = 1) -> None:
        self.counted.append(name)


async def hang() -> str:
    await asyncio.sleep(60)
    return "late"


async def answer() -> str:
    return "answer"


async def test_a_slow_part_is_left_alone_for_a_while() -> None:
    clock, metrics = Clock(), CountingMetrics()
    guard = Guard("store", 0.01, metrics, clock)
    with pytest.raises(Unavailable, match="within"):
        await guard.call(hang)
    with pytest.raises(Unavailable, match="a moment ago"):
        await guard.call(answer)
    clock.now = PAUSE_S
    assert await guard.call(answer) == "answer"
    assert metrics.counted == ["recommender.unavailable.store"] * 2


async def test_a_part_that_fails_fast_is_asked_again_at_once() -> None:
    guard = Guard("store", 1.0, NullMetrics(), Clock())

    async def refuse() -> str:
        raise Unavailable("refused")

    with pytest.raises(Unavailable, match="refused"):
        await guard.call(refuse)
    assert await guard.call(answer) == "answer"


async def test_an_answer_does_without_and_says_so() -> None:
    guard = Guard("store", 0.01, NullMetrics(), Clock())
    assert await guard.ask(answer, "nothing") == Answered("answer")
    assert await guard.ask(hang, "nothing") == Answered("nothing", frozenset({"store"}))


async def test_a_bug_is_not_taken_for_an_outage() -> None:
    async def bug() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Guard("store", 1.0, NullMetrics(), Clock()).ask(bug, "nothing")
