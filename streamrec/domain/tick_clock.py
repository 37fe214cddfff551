"""The newest time of a stream of ticks, whatever a few clocks say."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.bar import MINUTE_S

TAKEN: Final = 0
LATE: Final = 1
AHEAD: Final = 2

LONGEST_STEP_S: Final = 3600.0
"""A tick so far after now is taken, whoever sent it: a pause in the trading, or a clock set wrong."""

ARRIVAL_TOLERANCE_S = 60.0
"""A sender's clock and the log's may differ by so much."""

N_AHEAD, N_LATE = 100, 1000
"""So many more ticks that do not fit than ticks that do: then our clock is wrong, and it starts anew. Late
ones are plentiful in good order (a sender that was offline), so they need more."""


class TickClock:
    """Says of each tick whether its time is within the window, and which time is now.

    A tick is late when its minute has left the window. It is ahead when it is more than an hour after now and
    later than it arrived: a night between two ticks is none, and neither is a simulation that runs ahead of
    our time step by step; a clock set years ahead is, and it moves nothing.

    After many ticks in excess that do not fit, now is where they are: a replay of old events goes on after an
    event of today among them. What arrived before the tick that now comes from is no such evidence: it is a
    part of the log that is read later.

    Parameters
    ----------
    window
        Minutes.

    >>> clock = TickClock(window=2)
    >>> clock.judge(np.array([100.0, 130.0, 59.0, 9e9, 90.0]), np.full(5, 200.0)).tolist(), clock.now
    ([0, 0, 1, 2, 0], 130.0)
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self.now = -np.inf
        self._now_arrived = -np.inf
        self._n_ahead = self._n_late = 0

    def judge(self, times: NDArray[np.float64], arrivals: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return (B,) `TAKEN`, `LATE` or `AHEAD` of ticks in the order in which they are read.

        Parameters
        ----------
        times, arrivals
            (B,) Unix seconds, B > 0: the ticks' own times, and when the log got them.
        """
        newest = int(times.argmax())
        if not self._all_fit(times, arrivals, float(times[newest])):
            pairs = zip(times.tolist(), arrivals.tolist(), strict=True)
            return np.array([self._judge(time, arrival) for time, arrival in pairs], np.int8)
        if times[newest] > self.now:
            self.now, self._now_arrived = float(times[newest]), float(arrivals[newest])
        self._calm(len(times))
        return np.zeros(len(times), np.int8)

    def _all_fit(self, times: NDArray[np.float64], arrivals: NDArray[np.float64], newest: float) -> bool:
        """Return whether each would be taken, whatever their order; False where one look can't say."""
        if times.min() < self._first_of_window(max(self.now, newest)):
            return False
        return newest <= self.now + LONGEST_STEP_S or bool((times <= arrivals + ARRIVAL_TOLERANCE_S).all())

    def _judge(self, time: float, arrival: float) -> int:
        if time < self._first_of_window(self.now):
            self._n_late += arrival >= self._now_arrived
            if self._n_late < N_LATE:
                return LATE
        elif time > max(self.now + LONGEST_STEP_S, arrival + ARRIVAL_TOLERANCE_S) and np.isfinite(self.now):
            self._n_ahead += 1
            if self._n_ahead < N_AHEAD:
                return AHEAD
        else:
            self._calm(1)
            if time > self.now:
                self.now, self._now_arrived = time, arrival
            return TAKEN
        self._n_ahead = self._n_late = 0
        self.now, self._now_arrived = time, arrival
        return TAKEN

    def _first_of_window(self, now: float) -> float:
        return (now // MINUTE_S - self._window + 1) * MINUTE_S

    def _calm(self, n_fitting: int) -> None:
        self._n_ahead = max(0, self._n_ahead - n_fitting)
        self._n_late = max(0, self._n_late - n_fitting)

    def state(self) -> NDArray[np.float64]:
        """Return the state, for a checkpoint."""
        return np.array([self.now, self._now_arrived, self._n_ahead, self._n_late])

    def set_state(self, state: NDArray[np.float64]) -> None:
        """Go on where `state` was called."""
        self.now, self._now_arrived, n_ahead, n_late = state.tolist()
        self._n_ahead, self._n_late = int(n_ahead), int(n_late)
