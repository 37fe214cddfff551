"""Ready once every part has answered; degraded afterwards, and never without end."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from streamrec.errors import ConfigurationError, Unavailable
from streamrec.serving.readiness import Readiness


class Part:
    """A part that a test takes away and brings back."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.n_asked = 0
        self.hanging: asyncio.Event | None = None

    async def check(self) -> None:
        self.n_asked += 1
        if self.hanging is not None:
            await self.hanging.wait()
        if self.error is not None:
            raise self.error


class Watched:
    def __init__(self) -> None:
        self.store, self.cache = Part(), Part()
        self.readiness = Readiness({"store": self.store.check, "cache": self.cache.check}, timeout_s=0.02)


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    made = Watched()
    yield made
    await made.readiness.aclose()


async def test_ready_once_every_part_has_answered_and_from_then_on(watched: Watched) -> None:
    watched.store.error = Unavailable("mongodb://db: refused")
    assert await watched.readiness.states() == {"store": "mongodb://db: refused", "cache": "ok"}
    assert not watched.readiness.is_ready
    watched.store.error, watched.cache.error = None, Unavailable("redis://cache: refused")
    assert await watched.readiness.states() == {"store": "ok", "cache": "redis://cache: refused"}
    assert watched.readiness.is_ready  # each has answered, though not at the same time


async def test_it_goes_on_looking_in_the_background_and_says_for_whom_it_waits(watched: Watched) -> None:
    watched.store.error = Unavailable("mongodb://db: refused")
    with capture_logs() as logs:
        await watched.readiness.start()
        assert not watched.readiness.is_ready
        while not logs:
            await asyncio.sleep(0.01)
        watched.store.error = None
        while not watched.readiness.is_ready:
            await asyncio.sleep(0.01)
    assert (logs[0]["event"], logs[0]["part"]) == ("waiting_for_a_part", "store")
    assert logs[0]["error"] == "mongodb://db: refused"
    n_asked = watched.cache.n_asked
    assert n_asked == 1  # it answered at once: nobody looks again


async def test_a_part_that_refuses_us_ends_the_start(watched: Watched) -> None:
    watched.cache.error = ConfigurationError("redis://cache: wrong password")
    with pytest.raises(ConfigurationError, match="cache: redis://cache: wrong password"):
        await watched.readiness.start()


async def test_a_part_that_hangs_is_asked_once_at_a_time(watched: Watched) -> None:
    watched.store.hanging = asyncio.Event()
    for _ in range(3):
        assert (await watched.readiness.states())["store"] == "no answer within 0.02 s"
    assert watched.store.n_asked == 1
    watched.store.hanging.set()
    assert (await watched.readiness.states())["store"] == "ok"


async def test_a_bug_in_a_check_is_not_taken_for_an_absent_part(watched: Watched) -> None:
    watched.store.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await watched.readiness.states()
    watched.store.error = None


async def test_a_part_that_takes_long_to_refuse_us_ends_the_start_too(watched: Watched) -> None:
    watched.store.hanging = asyncio.Event()
    watched.store.error = ConfigurationError("wrong password")
    start = asyncio.create_task(watched.readiness.start())
    await asyncio.sleep(0.1)  # longer than a part is waited for
    watched.store.hanging.set()
    with pytest.raises(ConfigurationError, match="store: wrong password"):
        await start


async def test_an_answer_that_comes_too_late_is_heard_all_the_same(watched: Watched) -> None:
    unheard: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unheard.append(context))
    watched.store.hanging = asyncio.Event()
    watched.store.error = Unavailable("mongodb://db: refused")
    assert (await watched.readiness.states())["store"].startswith("no answer")
    watched.store.hanging.set()
    watched.store.hanging = None
    await asyncio.sleep(0.01)
    assert (await watched.readiness.states())["store"] == "mongodb://db: refused"
    gc.collect()
    assert not unheard
