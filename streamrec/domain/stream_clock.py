"""Time as the stream tells it, for what fades."""

import numpy as np
from numpy.typing import NDArray

LONGEST_STEP_S = 3600.0
"""A longer silence between two events counts as this: it is a night, an outage or another clock, and what
was popular before it fades by what happens, not by waiting."""


class StreamClock:
    """Runs from event to event by their timestamps: never back, and never far at once.

    One sender whose clock is years ahead, or a live event in the middle of a replay of old ones, would else
    make everything before it look forgotten, and everything after it look late.

    >>> clock = StreamClock()
    >>> clock.times_of(np.array([100.0, 110.0, 1e9, 120.0, 125.0])).tolist()
    [0.0, 10.0, 3610.0, 3610.0, 3615.0]
    >>> clock.times_of(np.array([126.0])).tolist()
    [3616.0]
    """

    def __init__(self, now: float = 0.0, last: float | None = None) -> None:
        """Go on at `now`, where the last event's timestamp was `last`."""
        self.now = now
        self.last = last

    def times_of(self, timestamps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (B,) stream times in seconds of B events in the order in which they came."""
        if not len(timestamps):
            return timestamps
        first = timestamps[0] if self.last is None else self.last
        steps = np.clip(np.diff(timestamps, prepend=first), 0.0, LONGEST_STEP_S)
        times: NDArray[np.float64] = self.now + np.cumsum(steps)
        self.now, self.last = float(times[-1]), float(timestamps[-1])
        return times
