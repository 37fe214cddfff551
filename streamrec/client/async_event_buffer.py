"""Events leave together: a buffer for an event loop."""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from streamrec.client.binding import AsyncSender
from streamrec.client.bounds import BOUNDS, Bounds
from streamrec.client.call import Call
from streamrec.client.calls.events import Event
from streamrec.client.errors import RecommenderError
from streamrec.client.event_buffer import CLOSE_PATIENCE_S
from streamrec.client.outbox import OnRejected, Outbox


class AsyncEventBuffer:
    """Takes events one by one and sends them many at a time, in their order, from a task of its own.

    It promises what `EventBuffer` promises, and works inside ``async with``: no end of an event loop would
    call its `close`.
    """

    def __init__(
        self, client: AsyncSender, bounds: Bounds = BOUNDS, on_rejected: OnRejected | None = None
    ) -> None:
        self._client, self._on_rejected = client, on_rejected
        self._outbox = Outbox(bounds, time.monotonic)
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    async def put(self, event: Event | Mapping[str, Any], timeout_s: float | None = None) -> None:
        """Hold an event until it is delivered; see `EventBuffer.put`."""
        held = self._outbox.held_of(event)
        end = None if timeout_s is None else time.monotonic() + timeout_s
        async with self._changed:
            self._check()
            while not self._outbox.take(held):
                if not await self._wait_until(end):
                    raise self._outbox.full()
                self._check()
            self._changed.notify_all()

    async def flush(self, timeout_s: float = CLOSE_PATIENCE_S) -> None:
        """Return once all events that were put in before are delivered; see `EventBuffer.flush`."""
        async with self._changed:
            self._check()
            await self._flush(time.monotonic() + timeout_s)
            self._outbox.raise_rejected()

    async def close(self, timeout_s: float = CLOSE_PATIENCE_S) -> None:
        """Deliver what is held, and end; see `EventBuffer.close`."""
        if self._is_closed or self._task is None:
            return
        self._is_closed = True
        try:
            async with self._changed:
                self._outbox.raise_broken()
                await self._flush(time.monotonic() + timeout_s)
        finally:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._outbox.raise_rejected()

    async def _flush(self, end: float) -> None:
        mark, n_failures = self._outbox.flush(), self._outbox.n_failures
        self._changed.notify_all()
        while not self._outbox.is_done(mark):
            if self._outbox.is_hopeless_since(n_failures) or not await self._wait_until(end):
                raise self._outbox.not_delivered()
            self._outbox.raise_broken()

    async def _wait_until(self, end: float | None) -> bool:
        """Wait for a change, and return False once the time is over."""
        try:
            async with asyncio.timeout(None if end is None else end - time.monotonic()):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _check(self) -> None:
        if self._task is None:
            raise RuntimeError("an AsyncEventBuffer works inside `async with`")
        if self._is_closed:
            raise RuntimeError("the buffer is closed")
        self._outbox.raise_broken()
        self._outbox.raise_rejected()

    async def _run(self) -> None:
        try:
            while True:
                await self._send(await self._next_call())
        except Exception as error:  # noqa: BLE001
            # Nobody waits for this task: whoever uses the buffer next has to hear of it.
            async with self._changed:
                self._outbox.broken = error
                self._changed.notify_all()

    async def _next_call(self) -> Call[Any]:
        async with self._changed:
            while not isinstance(step := self._outbox.next_step(), Call):
                await self._wait_until(None if step is None else time.monotonic() + step)
            return step

    async def _send(self, call: Call[Any]) -> None:
        rejected = None
        try:
            await self._client.send(call)
        except RecommenderError as error:
            rejected = self._outbox.refused(error)
        else:
            self._outbox.accepted()
        if rejected is not None and self._on_rejected is None:
            self._outbox.keep(rejected)
        async with self._changed:
            self._changed.notify_all()
        if rejected is not None and self._on_rejected is not None:
            self._on_rejected(*rejected)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="event-buffer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
