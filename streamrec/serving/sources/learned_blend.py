"""The blend that the trainer published last, at hand."""

import asyncio
import time
from collections.abc import Callable, Collection

from streamrec.domain.events.stream_time import UNKNOWN_TIME, StreamTime
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.published_blend import Blend, TrainerRules
from streamrec.domain.sources.table import COLUMNS, EXTRA, first_blend
from streamrec.domain.users.context import Weighing
from streamrec.errors import StreamrecError
from streamrec.ports import HotCache
from streamrec.serving.guard import Guard

RENEWED_AFTER_S = 1.0
"""The trainer publishes once a second."""


class LearnedBlend:
    """Reads the blend beside the requests; equal weights until one was found.

    Parameters
    ----------
    clock
        Seconds; only differences count.
    """

    def __init__(self, cache: HotCache, guard: Guard, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._guard = guard
        self._clock = clock
        self._due = -float("inf")
        self._reading: asyncio.Task[None] | None = None
        self._published: Blend | None = None
        self._ranker = first_blend()
        self._rules = TrainerRules()
        self._weights = self._rules.weights()
        self._time, self._time_since = UNKNOWN_TIME, clock()
        self._is_first = True
        self._cohorts: frozenset[int] = frozenset()

    async def ranker(self) -> BlendRanker:
        """Return the newest ranker at hand; only the first caller waits for one."""
        await self._renew()
        return self._ranker

    async def weights(self) -> EventWeights:
        """Return what each type of event weighs for the trainer; like `ranker`."""
        await self._renew()
        return self._weights

    async def _renew(self) -> None:
        if self._clock() >= self._due and (self._reading is None or self._reading.done()):
            self._due = self._clock() + RENEWED_AFTER_S
            self._reading = asyncio.create_task(self._read())
        if self._is_first and self._reading is not None:
            await asyncio.shield(self._reading)
            self._is_first = False

    def time(self) -> StreamTime:
        """Return the stream's time when it was read last to have gone on, and what passed here since then."""
        return self._time._replace(now=self._time.now + self._clock() - self._time_since)

    def cohorts(self) -> Collection[int]:
        """Return the tokens of cohorts that have a ranking, as far as the trainer said so."""
        return self._cohorts

    def weighing(self) -> Weighing:
        """Return what a user's last items weigh in the user's vector, as far as the trainer said so."""
        return Weighing(self._rules.context, self._time.scale_s)

    async def aclose(self) -> None:
        """Wait for what is being read."""
        if self._reading is not None:
            await asyncio.wait([self._reading])

    async def _read(self) -> None:
        try:
            published = await self._guard.call(self._cache.blend)
        except StreamrecError:
            return  # the last one serves on; the cache's absence is told by those who ask it for more
        # One for other sources was published by another version: its columns mean something else.
        if published is None or published == self._published or not published.goes_by(COLUMNS):
            return
        if published.time.now != self._time.now:
            self._time_since = self._clock()
        self._time = published.time
        self._ranker = BlendRanker.of(published, EXTRA)
        if published.rules != self._rules:
            self._rules, self._weights = published.rules, published.rules.weights()
        self._cohorts = frozenset(published.cohorts)
        self._published = published
