"""Events leave together: a buffer for threads."""

import atexit
import os
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from streamrec.client.binding import Sender
from streamrec.client.bounds import BOUNDS, Bounds
from streamrec.client.call import Call
from streamrec.client.calls.events import Event
from streamrec.client.errors import RecommenderError
from streamrec.client.outbox import OnRejected, Outbox

CLOSE_PATIENCE_S = 30.0


class EventBuffer:
    """Takes events one by one and sends them many at a time, in their order, from a thread of its own.

    An event that was put in is delivered, or somebody hears of it: while the recommender does not answer,
    events are held and sent again; what is still held at the end is in the `NotDelivered` that `close`
    raises. Each has an `event_id`, so one that is sent twice counts once. A process that is killed loses what
    it holds: that of `max_age_s`, or all that the recommender did not take.

    Parameters
    ----------
    client
        Sends the requests.
    bounds
        How many events are held, and leave together.
    on_rejected
        Is told, in the buffer's thread, of each event that the recommender refuses. Without it the next
        `put`, `flush` or `close` raises `EventsRejected`.
    """

    def __init__(
        self, client: Sender, bounds: Bounds = BOUNDS, on_rejected: OnRejected | None = None
    ) -> None:
        self._client, self._on_rejected = client, on_rejected
        self._outbox = Outbox(bounds, time.monotonic)
        self._changed = threading.Condition()
        self._is_closed = self._is_over = False
        self._process_id = os.getpid()
        self._thread = threading.Thread(target=self._run, name="event-buffer", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def put(self, event: Event | Mapping[str, Any], timeout_s: float | None = None) -> None:
        """Hold an event until it is delivered.

        Parameters
        ----------
        timeout_s
            How long to wait for room, where the buffer lets wait; None: for as long as it takes.

        Raises
        ------
        BufferFull
            When there was no room; the event was not taken.
        EventsRejected
            When earlier events were refused; this one was not taken.
        Unsendable
            When it is no event.
        """
        held = self._outbox.held_of(event)
        end = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            self._check()
            while not self._outbox.take(held):
                if not self._wait_until(end):
                    raise self._outbox.full()
                self._check()
            self._changed.notify_all()

    def flush(self, timeout_s: float = CLOSE_PATIENCE_S) -> None:
        """Return once all events that were put in before are delivered.

        Raises
        ------
        NotDelivered
            When some are not, in time; they stay in the buffer. At once where the recommender's answer tells
            that time will not help.
        EventsRejected
            When some were refused.
        """
        with self._changed:
            self._check()
            self._flush(time.monotonic() + timeout_s)
            self._outbox.raise_rejected()

    def close(self, timeout_s: float = CLOSE_PATIENCE_S) -> None:
        """Deliver what is held, and end; a second time it does nothing. The end of the process calls it.

        Raises
        ------
        NotDelivered
            With all events that could not be delivered in time.
        EventsRejected
            When some were refused.
        """
        atexit.unregister(self.close)
        if self._is_closed or self._process_id != os.getpid():
            return
        with self._changed:
            self._is_closed = True
            try:
                self._outbox.raise_broken()
                self._flush(time.monotonic() + timeout_s)
            finally:
                self._is_over = True
                self._changed.notify_all()
        self._thread.join()
        self._outbox.raise_rejected()

    def _flush(self, end: float) -> None:
        mark, n_failures = self._outbox.flush(), self._outbox.n_failures
        self._changed.notify_all()
        while not self._outbox.is_done(mark):
            if self._outbox.is_hopeless_since(n_failures) or not self._wait_until(end):
                raise self._outbox.not_delivered()
            self._outbox.raise_broken()

    def _wait_until(self, end: float | None) -> bool:
        """Wait for a change, and return False once the time is over."""
        left_s = None if end is None else end - time.monotonic()
        if left_s is not None and left_s <= 0:
            return False
        self._changed.wait(left_s)
        return True

    def _check(self) -> None:
        if self._process_id != os.getpid():
            raise RuntimeError("this buffer is another process's: make one after the fork")
        if self._is_closed:
            raise RuntimeError("the buffer is closed")
        self._outbox.raise_broken()
        self._outbox.raise_rejected()

    def _run(self) -> None:
        try:
            while (call := self._next_call()) is not None:
                self._send(call)
        except BaseException as error:
            # Nobody waits for this thread: whoever uses the buffer next has to hear of it.
            with self._changed:
                self._outbox.broken = error
                self._changed.notify_all()
            raise

    def _next_call(self) -> Call[Any] | None:
        """Return the next request once it is due; None at the end."""
        with self._changed:
            while not isinstance(step := self._outbox.next_step(), Call):
                if self._is_over:
                    return None
                self._changed.wait(step)
            return None if self._is_over else step

    def _send(self, call: Call[Any]) -> None:
        try:
            self._client.send(call)
        except RecommenderError as error:
            with self._changed:
                rejected = self._outbox.refused(error)
                if rejected is not None and self._on_rejected is None:
                    self._outbox.keep(rejected)
                self._changed.notify_all()
            if rejected is not None and self._on_rejected is not None:
                self._on_rejected(*rejected)
        else:
            with self._changed:
                self._outbox.accepted()
                self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
