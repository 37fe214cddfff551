"""Which work goes to a thread."""

import threading
from collections.abc import Callable

import pytest

from faiss_server.answers import Searches
from streamrec.errors import UnknownId
from tests.builders import SteppingClock


def work_of(clock: SteppingClock, took_s: float) -> Callable[[], threading.Thread]:
    def work() -> threading.Thread:
        clock.now += took_s
        return threading.current_thread()

    return work


async def test_short_work_is_done_at_once_when_it_is_known_to_be_short() -> None:
    clock = SteppingClock()
    searches, here = Searches(clock), threading.current_thread()
    assert await searches.run(work_of(clock, 0.0002)) is not here  # nothing is known yet
    assert await searches.run(work_of(clock, 0.0002)) is here
    assert await searches.run(work_of(clock, 0.0002 * 4), 4) is here
    assert await searches.run(work_of(clock, 0.0002 * 20), 20) is not here


async def test_what_becomes_slow_leaves_the_loop_and_comes_back() -> None:
    clock = SteppingClock()
    searches, here = Searches(clock), threading.current_thread()
    threads = [await searches.run(work_of(clock, 0.004)) for _ in range(3)]
    assert here not in threads
    threads = [await searches.run(work_of(clock, 0.0001)) for _ in range(60)]
    assert threads[-1] is here


async def test_an_error_is_the_callers_wherever_it_was_raised() -> None:
    def fail() -> None:
        raise UnknownId("there is none")

    clock = SteppingClock()
    searches = Searches(clock)
    with pytest.raises(UnknownId):
        await searches.run(fail)
    await searches.run(work_of(clock, 0.0001))
    with pytest.raises(UnknownId):
        await searches.run(fail)
