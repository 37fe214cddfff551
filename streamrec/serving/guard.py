"""Calling a part that may be slow or down, so that an answer never waits for it longer than allowed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar, cast

from streamrec.errors import Damaged, StreamrecError, Unavailable
from streamrec.log_limits import warn_seldom
from streamrec.ports import Metrics
from streamrec.telemetry import Digest

T = TypeVar("T")

PAUSE_S = 1.0
"""After a timeout the part is left alone for so long: else every answer would wait the whole timeout."""


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

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the part's answer.

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
            async with asyncio.timeout(self._timeout_s):
                return await ask()
        except TimeoutError as error:
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
