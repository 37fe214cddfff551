"""Calling a part that may be slow or down, so that an answer never waits for it longer than allowed."""

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar, cast

from streamrec.errors import Damaged, StreamrecError, Unavailable
from streamrec.log_limits import warn_seldom
from streamrec.ports import Metrics
from streamrec.telemetry import Digest

T = TypeVar("T")
U = TypeVar("U")

PAUSE_S = 1.0
"""After a timeout the part is left alone for so long: else every answer would wait the whole timeout."""


LOG_TIMEOUT_S = 10.0
"""Longest wait for the log. It gives a record up after 8 s; connecting anew comes before that, and of many
who wait only some have a thread each."""


_log_threads = ThreadPoolExecutor(16, thread_name_prefix="log")
"""Threads of its own: those of all others would else be taken by calls that wait for a log."""


async def by_the_log(call: Callable[..., T], *arguments: object, timeout_s: float = LOG_TIMEOUT_S) -> T:
    """Return what a call of the log comes to, which blocks a thread; one that waits too long never begins.

    Raises
    ------
    Unavailable
        When it takes longer; what was sent may have been written, or be written yet.
    """
    try:
        async with asyncio.timeout(timeout_s):
            in_context = partial(contextvars.copy_context().run, call, *arguments)
            return await asyncio.get_running_loop().run_in_executor(_log_threads, in_context)
    except TimeoutError as error:
        raise Unavailable(f"the log did not answer within {timeout_s} s") from error


ALL_WELL: frozenset[str] = frozenset()
"""No part failed."""


class Answered(NamedTuple, Generic[T]):
    """Answer of some parts, or what is left of it.

    Attributes
    ----------
    failed
        Names of the parts that were done without.
    """

    value: T
    failed: frozenset[str] = ALL_WELL


class Begun(Awaitable[T]):
    """Work that has gone as far as it goes without waiting; whoever awaits it gets the rest.

    Most of what an answer asks for is at hand. A timer or a task for it would cost more than the work.

    Attributes
    ----------
    is_done
        Whether all was at hand.
    value
        What it came to, where it is done.

    Raises
    ------
    BaseException
        Whatever the work raises before it waits.
    """

    def __init__(self, work: Awaitable[T]) -> None:
        self._steps = work.__await__()
        self._waits_for: object = None
        self.value: T = None  # type: ignore[assignment]  # until it is done
        self.is_done = False
        try:
            self._waits_for = next(self._steps)
        except StopIteration as end:
            self.value, self.is_done = end.value, True

    def __await__(self) -> Generator[Any, Any, T]:
        if self.is_done:
            return self.value
        try:
            while True:
                # As `yield from` does, but for the first step, which is taken.
                try:
                    yield self._waits_for
                except BaseException as error:  # noqa: BLE001  # a cancellation too is the work's own to handle
                    self._waits_for = self._steps.throw(error)
                else:
                    self._waits_for = self._steps.send(None)
        except StopIteration as end:
            return cast("T", end.value)


async def both(first: Awaitable[T], second: Awaitable[U]) -> tuple[T, U]:
    """Return what two pieces of work come to, which wait side by side."""
    begun = Begun(first)
    if begun.is_done:
        return begun.value, await second
    beside = asyncio.ensure_future(second)
    try:
        return await begun, await beside
    finally:
        beside.cancel()  # to no effect where it is done


class Guard:
    """One part, behind a timeout and a pause after it.

    Parameters
    ----------
    name
        Of the part, for logs and the counters ``recommender.unavailable.<name>`` and
        ``recommender.damaged.<name>``.
    timeout_s
        Longest wait for one call.
    """

    def __init__(
        self, name: str, timeout_s: float, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._clock = clock
        self._paused_until = -float("inf")
        self._damages = Digest("damaged")

    async def call(self, ask: Callable[[], Awaitable[T]], *, pauses: bool = True) -> T:
        """Return the part's answer.

        Parameters
        ----------
        pauses
            Whether all others do without the part for a second after a timeout. Not for writes, and for what
            no answer waits for: that these take long does not say that reads would.

        Raises
        ------
        Unavailable
            When it does not come in time, or did not a moment ago.
        StreamrecError
            Whatever else the part raises on purpose.
        """
        if self._clock() < self._paused_until:
            raise self._failed(Unavailable(f"the {self.name} did not answer a moment ago"))
        try:
            begun = Begun(ask())
            if begun.is_done:
                return begun.value
            async with asyncio.timeout(self._timeout_s):
                return await begun
        except TimeoutError as error:
            if pauses:
                self._paused_until = self._clock() + PAUSE_S
            warn_seldom("timeout", about=self.name, part=self.name, timeout_s=self._timeout_s)
            message = f"the {self.name} did not answer within {self._timeout_s} s"
            raise self._failed(Unavailable(message)) from error
        except StreamrecError as error:
            raise self._failed(error) from error

    async def ask(self, ask: Callable[[], Awaitable[T]], otherwise: T) -> Answered[T]:
        """Return the part's answer, or what of it can be read, or `otherwise`: an answer goes on without."""
        try:
            return Answered(await self.call(ask))
        except StreamrecError as error:
            rest = error.rest if isinstance(error, Damaged) else None
            return Answered(otherwise if rest is None else cast("T", rest), frozenset((self.name,)))

    def _failed(self, error: StreamrecError) -> StreamrecError:
        if isinstance(error, Damaged):
            self._metrics.count(f"recommender.damaged.{self.name}")
            self._damages.note(1, f"{self.name}: {error}")
        else:
            self._metrics.count(f"recommender.unavailable.{self.name}")
        return error
