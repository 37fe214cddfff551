"""Events that wait to be sent: what is due, what was taken, and what goes wrong.

Nothing here sends or waits, so that the buffer for threads and the one for an event loop share it.
"""

import random
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from streamrec.client.attempts import Retries
from streamrec.client.batches import split
from streamrec.client.bounds import Bounds, checked
from streamrec.client.call import Call, encoded
from streamrec.client.calls.events import Event, event_of, post_encoded
from streamrec.client.errors import (
    BufferFull,
    EventsRejected,
    InvalidRequest,
    NotDelivered,
    RecommenderError,
    Unsendable,
)

OnRejected = Callable[[Event, InvalidRequest], None]
"""Is told of an event that the recommender refused."""

MAX_REJECTED = 1000
"""Rejected events that are kept until somebody hears of them; further ones are counted."""

_LONGEST_LOOK_AHEAD_S = 3600.0
"""Threads refuse to wait for an infinite time; nothing is lost by a look in between."""

_BETWEEN_FAILURES = Retries(first_pause_s=0.5, longest_pause_s=5.0)
"""Pauses after the client itself has given up on a request."""

_TOO_LARGE = 413
_ABOUT_EVENTS = frozenset({400, _TOO_LARGE, 422})
"""Statuses of a refusal for what an event holds, or for how many they are."""

_AT_FAULT = re.compile(r"^event (\d+)\b|`\$\[(\d+)\]")
"""Position of the event in a refusal: `event 3: ...`, or msgspec's ``... - at `$[3].value` ``."""


class Held(NamedTuple):
    """An event, as it is sent, and when it was put in."""

    event: Event
    payload: bytes
    at: float


class Outbox:
    """Events in the order they were put in; one request is on its way at a time, so they arrive in it.

    Parameters
    ----------
    clock
        Seconds that only grow.
    """

    def __init__(
        self, bounds: Bounds, clock: Callable[[], float], chance: Callable[[], float] = random.random
    ) -> None:
        self._bounds, self._clock, self._chance = checked(bounds), clock, chance
        self._waiting: deque[Held] = deque()
        self._n_bytes = 0
        self._parts: deque[list[Held]] = deque()  # of the batch on its way; the first is asked about
        self._rejected: list[tuple[Event, InvalidRequest]] = []
        self._n_rejected = 0
        self._n_put = self._n_done = self._flushed_to = self._n_failures_in_a_row = 0
        self._not_before = 0.0
        self.error: RecommenderError | None = None
        self.n_failures = 0
        self.broken: BaseException | None = None  # why nobody sends any more

    def held_of(self, record: Event | Mapping[str, Any]) -> Held:
        """Return an event as it will be held.

        Raises
        ------
        Unsendable
            When it is none, or too long to be ever sent.
        """
        event = event_of(record)
        held = Held(event, encoded(event), self._clock())
        if len(held.payload) + 2 > self._bounds.max_bytes:
            raise Unsendable(
                f"an event of {len(held.payload):,} bytes; the buffer sends {self._bounds.max_bytes:,}"
            )
        return held

    @property
    def n_held(self) -> int:
        """Events that are held, those on their way included."""
        return self._n_put - self._n_done

    def take(self, held: Held) -> bool:
        """Hold an event if there is room, and return whether there is.

        Raises
        ------
        BufferFull
            When there is none, and nobody is to wait for it.
        """
        if self.n_held >= self._bounds.max_held:
            if self._bounds.when_full == "raise":
                raise self.full()
            return False
        self._waiting.append(held)
        self._n_bytes += len(held.payload) + 1
        self._n_put += 1
        return True

    def full(self) -> BufferFull:
        """Return the error of an event that finds no room."""
        error = BufferFull(
            f"{self.n_held:,} events are held, and wait for: {self.error or 'the recommender'}"
        )
        error.__cause__ = self.error
        return error

    def flush(self) -> int:
        """Let all that is held be due, and return the mark of the last of it; see `is_done`."""
        self._flushed_to = self._n_put
        return self._n_put

    def is_done(self, mark: int) -> bool:
        """Return whether everything up to a mark was taken or rejected."""
        return self._n_done >= mark

    def is_hopeless_since(self, n_failures: int) -> bool:
        """Return whether a request failed, after so many others, in a way that time does not mend."""
        return self.error is not None and self.error.is_lasting and self.n_failures > n_failures

    def next_step(self) -> Call[Any] | float | None:
        """Return the request that is due, or the seconds until one will be; None while nothing is held."""
        if not self._parts:
            wait_s = self._due_in_s()
            if wait_s is None or wait_s > 0:
                return wait_s
            self._parts.append(self._batch())
        wait_s = self._not_before - self._clock()
        return wait_s if wait_s > 0 else post_encoded([held.payload for held in self._parts[0]])

    def _due_in_s(self) -> float | None:
        if not self._waiting:
            return None
        bounds = self._bounds
        is_full = len(self._waiting) >= bounds.max_events or self._n_bytes >= bounds.max_bytes
        if is_full or self._n_done < self._flushed_to:
            return 0.0
        wait_s = self._waiting[0].at + bounds.max_age_s - self._clock()
        return min(max(0.0, wait_s), _LONGEST_LOOK_AHEAD_S)

    def _batch(self) -> list[Held]:
        """Take as many events as one request holds off those that wait."""
        payloads = (held.payload for held in self._waiting)
        n_events = len(next(split(payloads, self._bounds.max_events, self._bounds.max_bytes)))
        batch = [self._waiting.popleft() for _ in range(n_events)]
        self._n_bytes -= sum(len(held.payload) + 1 for held in batch)
        return batch

    def accepted(self) -> None:
        """Take note that the recommender took the events of the last request."""
        self._n_done += len(self._parts.popleft())
        self.error, self._n_failures_in_a_row = None, 0

    def refused(self, error: RecommenderError) -> tuple[Event, InvalidRequest] | None:
        """Take note that the last request failed, and return the event that is rejected for it, if one is.

        A request is taken as a whole or not at all: of a refused one the parts are sent, down to the events
        that are at fault. After any other failure it is sent again, later.
        """
        if not isinstance(error, InvalidRequest) or error.status not in _ABOUT_EVENTS:
            self.error = error
            self.n_failures += 1
            self._n_failures_in_a_row += 1
            self._not_before = self._clock() + _BETWEEN_FAILURES.pause_s(
                self._n_failures_in_a_row, self._chance
            )
            return None
        part = self._parts.popleft()
        if len(part) > 1:
            self._parts.extendleft(reversed(_divided(part, error)))
            return None
        self._n_done += 1
        return part[0].event, error

    def keep(self, rejected: tuple[Event, InvalidRequest]) -> None:
        """Keep a rejected event for whoever asks next; see `raise_rejected`."""
        self._n_rejected += 1
        if len(self._rejected) < MAX_REJECTED:
            self._rejected.append(rejected)

    def raise_rejected(self) -> None:
        """Tell of rejected events that were kept.

        Raises
        ------
        EventsRejected
            When there are some.
        """
        if self._rejected:
            rejected, n_rejected = self._rejected, self._n_rejected
            self._rejected, self._n_rejected = [], 0
            raise EventsRejected(rejected, n_rejected)

    def raise_broken(self) -> None:
        """Tell of what ended the sending.

        Raises
        ------
        NotDelivered
            When something did.
        """
        if self.broken is not None:
            raise self.not_delivered() from self.broken

    def not_delivered(self) -> NotDelivered:
        """Return the error with all that is held."""
        events = [held.event for part in (*self._parts, self._waiting) for held in part]
        others = f"; {self._n_rejected:,} others were rejected" if self._n_rejected else ""
        error = NotDelivered(
            f"{len(events):,} events wait for: {self.error or 'the recommender'}{others}", events
        )
        error.__cause__ = self.error
        return error


def _divided(part: Sequence[Held], error: InvalidRequest) -> list[list[Held]]:
    """Return the parts of a refused request: around the event that the refusal names, or else its halves."""
    named = _AT_FAULT.search(error.detail)
    at = int(named[1] or named[2]) if named else len(part)
    if error.status != _TOO_LARGE and at < len(part):
        cuts = [part[:at], part[at : at + 1], part[at + 1 :]]
    else:
        cuts = [part[: len(part) // 2], part[len(part) // 2 :]]
    return [list(cut) for cut in cuts if cut]
