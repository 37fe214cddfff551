"""Exposures on their way into the log: collected beside the answers, a bounded number of them."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import NamedTuple

from streamrec.domain.experiments.exposure import Exposure, encode_exposure
from streamrec.ending_tasks import end_tasks
from streamrec.errors import StreamrecError
from streamrec.log_limits import warn_seldom
from streamrec.ports import IMPRESSIONS, EventSink, Message, Metrics

COLLECTED_FOR_S = 0.25
MAX_WAITING = 20_000
"""Some 20 MB of lists of 10. Beyond, new ones are dropped: an answer waits for no log."""

MAX_BATCH = 1000
PAUSE_S = 1.0
"""After a failure."""

LAST_TRY_S = 5.0
"""Of a process that ends, for what is left."""


class _Waiting(NamedTuple):
    """An exposure that is not appended yet, and what its answer waits for, if it does."""

    exposure: Exposure
    settled: asyncio.Future[None] | None = None

    def settle(self) -> None:
        """Let the answer go: the exposure is appended, or will not be."""
        if self.settled is not None and not self.settled.done():
            self.settled.set_result(None)


class ExposureLog:
    """Appends exposures in batches; of the event loop of one process.

    Parameters
    ----------
    wait_s
        So long `write` waits at most.
    """

    def __init__(self, sink: EventSink, metrics: Metrics, wait_s: float = 0.0) -> None:
        self._sink, self._metrics = sink, metrics
        self._wait_s = wait_s
        self._waiting: deque[_Waiting] = deque()
        self._appending: asyncio.Task[None] | None = None
        self._is_open = True

    async def write(self, exposure: Exposure) -> None:
        """Take an exposure in, and wait until the log has it, as far as this log waits at all."""
        if not self._wait_s:
            self.note(exposure)
            return
        settled = asyncio.get_running_loop().create_future()
        self._take(_Waiting(exposure, settled))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait_s):
                await settled
        if not settled.done() or settled.cancelled():
            warn_seldom("exposure_not_waited_for", after_s=self._wait_s, n_waiting=len(self._waiting))

    def note(self, exposure: Exposure) -> None:
        """Take an exposure in, or drop and count it where too many wait."""
        self._take(_Waiting(exposure))

    def _take(self, one: _Waiting) -> None:
        if len(self._waiting) >= MAX_WAITING or not self._is_open:
            self._drop([one])
            return
        self._waiting.append(one)
        if self._appending is None or self._appending.done():
            self._appending = asyncio.create_task(self._append_all())

    def forget_user(self, user_id: str) -> None:
        """Forget what waits of a user: appended behind the erasure it would count as a new user's."""
        gone = [one for one in self._waiting if one.exposure.user_id == user_id]
        if gone:
            self._waiting = deque(one for one in self._waiting if one.exposure.user_id != user_id)
        for one in gone:
            one.settle()

    async def aclose(self) -> None:
        """Append what is left; what the log does not take in time is dropped, and counted."""
        self._is_open = False
        await end_tasks(self._appending)
        try:
            async with asyncio.timeout(LAST_TRY_S):
                while self._waiting:
                    await self._append_batch()
        except (StreamrecError, TimeoutError):
            self._drop(list(self._waiting))
            self._waiting.clear()

    async def _append_all(self) -> None:
        while self._waiting:
            # Where answers wait, those that come during one append are the next one's batch.
            if len(self._waiting) < MAX_BATCH and not self._wait_s:
                await asyncio.sleep(COLLECTED_FOR_S)
            try:
                await self._append_batch()
            except StreamrecError as error:
                warn_seldom("exposures_not_appended", error=str(error), n_waiting=len(self._waiting))
                await asyncio.sleep(PAUSE_S)

    async def _append_batch(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        messages = [Message(one.exposure.user_id, encode_exposure(one.exposure)) for one in batch]
        appending = asyncio.create_task(asyncio.to_thread(self._sink.append, IMPRESSIONS, messages))
        try:
            # Who stops waiting does not end the thread: what it has in hand is not appended once more.
            await asyncio.shield(appending)
        except asyncio.CancelledError:
            await asyncio.gather(appending, return_exceptions=True)
            if appending.exception() is not None:
                self._give_back(batch)
            else:
                self._appended(batch)
            raise
        except StreamrecError:
            self._give_back(batch)
            raise
        self._appended(batch)

    def _appended(self, batch: list[_Waiting]) -> None:
        self._metrics.count("recommender.exposures_appended", len(batch))
        for one in batch:
            one.settle()

    def _give_back(self, batch: list[_Waiting]) -> None:
        self._waiting.extendleft(reversed(batch))
        while len(self._waiting) > MAX_WAITING:
            self._drop([self._waiting.pop()])

    def _drop(self, dropped: list[_Waiting]) -> None:
        if dropped:
            self._metrics.count("recommender.exposures_dropped", len(dropped))
        for one in dropped:
            one.settle()
