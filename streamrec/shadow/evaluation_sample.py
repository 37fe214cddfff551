"""Sample of events that are evaluated: the same ones in every trainer that keeps up with the stream."""

import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b

from streamrec.domain.events.interaction import Interaction

_MEMORY_S = 10.0
"""The rate of the last seconds counts: bursts shorter than this do not move the share."""

_BURST_S = 2.0
"""Seconds' worth of evaluations that may be made at once, after a pause."""

SHARE = 0.05
"""Of one core's time, spent on evaluations at most, in the mean: ranking a large catalogue takes long, and
waits for the trainer's other threads as long again."""

_COST_MEMORY = 0.1
"""Share of the newest evaluation in what one is taken to cost."""


class EvaluationSample:
    """Chooses events by what they are, not by when they are met, up to a rate.

    An event has a fixed number; of a busy stream those are chosen whose number ends in enough zero bits. So
    two trainers whose batches differ choose the same events, and when one of them takes the stream for twice
    as busy, its choice is a part of the other's. A trainer that catches up with a long log meets events
    faster than anybody may evaluate them: it passes over some. Where the rate would take more than `SHARE` of
    the time, it is lower.

    Parameters
    ----------
    rate
        Events chosen per second at most, in the mean.
    seconds
        Tells what an evaluation costs, by default in the thread's own processor time: a busy machine chooses
        no other events.
    """

    def __init__(self, rate: float, seconds: Callable[[], float] = time.thread_time) -> None:
        self._wanted_rate = rate
        self._seconds = seconds
        self._cost_s = 0.0
        self._n_left = max(1.0, rate * _BURST_S)
        self._most_left = self._n_left
        self._arrivals_per_s = 0.0
        self._last_at: float | None = None

    def chosen(self, events: Sequence[Interaction], now: float) -> Iterator[Interaction]:
        """Yield those of a batch that are to be evaluated, as long as the rate allows.

        What passes before the next one is asked for is what the evaluation took.

        Parameters
        ----------
        now
            Unix seconds.
        """
        self._note(len(events), now)
        n_zero_bits = zero_bits_for(self._arrivals_per_s / self._rate)
        for event in events:
            if self._n_left < 1:
                return
            if number_of_event(event) % (1 << n_zero_bits) == 0:
                self._n_left -= 1
                started = self._seconds()
                yield event
                self._cost_s += (self._seconds() - started - self._cost_s) * _COST_MEMORY

    @property
    def _rate(self) -> float:
        return min(self._wanted_rate, SHARE / max(self._cost_s, 1e-9))

    def _note(self, n_events: int, now: float) -> None:
        passed_s = max(0.0, now - self._last_at) if self._last_at is not None else 0.0
        self._last_at = now
        self._n_left = min(self._most_left, self._n_left + passed_s * self._rate)
        # A running mean of the arrivals: each fades with the time since.
        kept = max(0.0, 1 - passed_s / _MEMORY_S)
        self._arrivals_per_s = self._arrivals_per_s * kept + n_events / _MEMORY_S


def number_of_event(event: Interaction) -> int:
    """Return a number that is the event's own: the same in every process, and evenly spread.

    >>> number_of_event(Interaction("u", "i", 5.0)) == number_of_event(Interaction("u", "i", 5.0))
    True
    """
    text = repr((event.user_id, event.item_id, event.timestamp, event.event_id))
    return int.from_bytes(blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).digest())


def zero_bits_for(excess: float) -> int:
    """Return how many zero bits an event's number must end in, when `excess` times too many arrive.

    >>> [zero_bits_for(excess) for excess in (0.0, 1.0, 1.1, 2.0, 100.0)]
    [0, 0, 1, 1, 7]
    """
    n_bits = 0
    while (1 << n_bits) < excess:
        n_bits += 1
    return n_bits
