"""Timeouts, and the pause after one."""

import asyncio
import threading
import time

import pytest

from streamrec.errors import Unavailable
from streamrec.serving.guard import PAUSE_S, Answered, Begun, Guard, both, by_the_log
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


async def test_what_is_at_hand_needs_no_timer_and_no_task() -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    timers = list(getattr(loop, "_scheduled", []))

    async def whose() -> asyncio.Task[object] | None:
        return asyncio.current_task()

    assert await both(whose(), whose()) == (task, task)
    assert await Guard("store", 1.0, NullMetrics(), Clock()).call(whose) is task
    assert list(getattr(loop, "_scheduled", [])) == timers


async def test_what_waits_several_times_is_gone_on_with() -> None:
    steps = []

    async def stepping() -> str:
        for step in range(3):
            steps.append(step)
            await asyncio.sleep(0)
        return "answer"

    begun = Begun(stepping())
    assert steps == [0]
    assert not begun.is_done
    assert await begun == "answer"
    assert steps == [0, 1, 2]


async def test_what_waits_may_handle_its_cancellation() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            return "tidied up"
        return "late"

    async def waiting(begun: Begun[str]) -> str:
        return await begun

    task = asyncio.create_task(waiting(Begun(stubborn())))
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "tidied up"


async def test_two_wait_side_by_side() -> None:
    met = asyncio.Event(), asyncio.Event()

    async def meet(own: asyncio.Event, other: asyncio.Event) -> str:
        own.set()
        await other.wait()
        return "met"

    assert await both(meet(*met), meet(*met[::-1])) == ("met", "met")


async def test_where_one_of_two_fails_the_other_is_given_up() -> None:
    given_up = asyncio.Event()

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async def go_on() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            given_up.set()
            raise

    with pytest.raises(ZeroDivisionError):
        await both(fail(), go_on())
    await asyncio.wait_for(given_up.wait(), 30.0)


async def test_a_log_that_hangs_is_waited_for_no_longer_however_many_wait() -> None:
    hanging, begun = threading.Event(), []

    def append(number: int) -> None:
        begun.append(number)
        hanging.wait(120.0)

    started = time.monotonic()
    waiting = (by_the_log(append, number, timeout_s=0.3) for number in range(200))
    failures = await asyncio.gather(*waiting, return_exceptions=True)
    # The threads of all others are free meanwhile.
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "stored"), 60.0) == "stored"
    hanging.set()
    assert [type(failure) for failure in failures] == [Unavailable] * 200
    assert time.monotonic() - started < 60.0
    assert await by_the_log(lambda: "again") == "again"
    assert len(begun) < 200  # of the others each would have waited behind those that hung
