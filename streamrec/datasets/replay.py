"""A data set as a live stream: each event is appended to the log when it is due, in order of event time.

The protocol, repeated until the end:

1. **Wait** until the next event is due; deadlines are counted from the start, so pauses do not add up.
2. **Gather** what is due by now: one event at a low rate, a batch at a high one.
3. **Append**; while the log does not answer, wait and try again: nothing is dropped.
4. **Remember** the position, now and then, after the append was acknowledged.

A crash between 3 and 4 repeats events; their `event_id` makes the repeats harmless.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tenacity
from numpy.typing import NDArray

from streamrec.datasets.event_set import EventSet
from streamrec.datasets.position_file import PositionFile
from streamrec.errors import Overloaded, StreamrecError, Unavailable
from streamrec.ports import INTERACTIONS, EventSink, Message
from streamrec.wire import encode_event

MAX_BATCH = 1000
_SHORTEST_WAIT_S = 0.005  # at thousands of events a second one append a wake-up, not one an event
_LONGEST_WAIT_S = 0.5  # so that a wish to stop is heard
_SAVE_INTERVAL_S = 1.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 10.0


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> float:
        """Return seconds of a clock that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The real time."""

    def now(self) -> float:
        """Return `time.monotonic`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def due_at_rate(events: EventSet, rate: float) -> NDArray[np.float64]:
    """Return (N,) seconds after the start at which each event is due, `rate` a second."""
    return np.arange(len(events)) / rate


def due_at_speed(events: EventSet, speed: float, max_gap_s: float | None = None) -> NDArray[np.float64]:
    """Return (N,) seconds after the start at which each event is due, `speed` times as fast as in life.

    Parameters
    ----------
    max_gap_s
        Seconds between two events at most, as they are replayed; None: as long as it takes.
    """
    if max_gap_s is None:
        return (events.timestamps - events.timestamps[:1]) / speed
    gaps_s = np.diff(events.timestamps, prepend=events.timestamps[:1]) / speed
    return np.cumsum(np.minimum(gaps_s, max_gap_s))


@dataclass(frozen=True)
class Listener:
    """Functions that are told how a replay goes.

    Attributes
    ----------
    on_progress
        Called with the position of the next event after each append.
    on_pause
        Called with the error and the seconds until the next try.
    on_wait
        Called now and then with the seconds until the next event is due.
    is_stopped
        Asked before each step; the replay ends when it says so.
    """

    on_progress: Callable[[int], None] = lambda _: None
    on_pause: Callable[[BaseException, float], None] = lambda _, __: None
    on_wait: Callable[[float], None] = lambda _: None
    is_stopped: Callable[[], bool] = lambda: False


class Replay:
    """Appends events to the interactions topic when they are due.

    Parameters
    ----------
    due_s
        (N,) seconds after the start, never falling; see `due_at_rate` and `due_at_speed`.
    position_file
        Where to remember how far it has come; None: nowhere.
    """

    def __init__(
        self,
        events: EventSet,
        due_s: NDArray[np.float64],
        sink: EventSink,
        position_file: PositionFile | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._events = events
        self._due_s = due_s
        self._sink = sink
        self._position_file = position_file
        self._clock = clock or SystemClock()
        self._saved_at = -np.inf

    @property
    def n_events(self) -> int:
        """N."""
        return len(self._events)

    def left_s(self, position: int) -> float:
        """Return the seconds from the event at this position to the last one, as they are replayed."""
        return float(self._due_s[-1] - self._due_s[position]) if position < len(self._events) else 0.0

    def run(self, first: int = 0, listener: Listener | None = None) -> int:
        """Append the events from position `first` on, and return the position of the next one.

        That is N when all are in the log, less when the listener stopped it.

        Raises
        ------
        StreamrecError
            When the log refuses an event and a retry can't help.
        """
        listener = listener or Listener()
        position = first
        if position < len(self._events):
            started = self._clock.now() - self._due_s[position]
        try:
            while position < len(self._events) and not listener.is_stopped():
                wait_s = started + self._due_s[position] - self._clock.now()  # Step 1
                if wait_s > 0:
                    listener.on_wait(wait_s)
                    self._clock.sleep(min(max(wait_s, _SHORTEST_WAIT_S), _LONGEST_WAIT_S))
                    continue
                n_due = int(np.searchsorted(self._due_s, self._clock.now() - started, side="right"))
                stop = min(max(n_due, position + 1), position + MAX_BATCH)
                messages = [  # Step 2
                    Message(event.user_id, encode_event(event)) for event in self._events[position:stop]
                ]
                if not self._append(messages, listener):  # Step 3
                    break
                position = stop
                self._remember(position, _SAVE_INTERVAL_S)  # Step 4
                listener.on_progress(position)
        finally:
            self._remember(position, 0.0)
        return position

    def _append(self, messages: list[Message], listener: Listener) -> bool:
        """Append, however long it takes; return False when the listener gave up."""
        patience = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_retriable),
            wait=_pause,
            stop=lambda _: listener.is_stopped(),
            sleep=self._clock.sleep,
            before_sleep=lambda state: _tell(listener, state),
            reraise=True,
        )
        try:
            patience(self._sink.append, INTERACTIONS, messages)
        except Unavailable:
            return False  # only a wish to stop ends the patience with it
        return True

    def _remember(self, position: int, interval_s: float) -> None:
        now = self._clock.now()
        if self._position_file is not None and now - self._saved_at >= interval_s:
            self._position_file.save(position)
            self._saved_at = now


def _is_retriable(error: BaseException) -> bool:
    return isinstance(error, StreamrecError) and error.retriable


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Overloaded):
        return error.retry_after_s
    return float(min(_FIRST_PAUSE_S * 2 ** (state.attempt_number - 1), _LONGEST_PAUSE_S))


def _tell(listener: Listener, state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if error is not None and state.next_action is not None:
        listener.on_pause(error, state.next_action.sleep)
