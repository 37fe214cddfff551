"""Newest time of a stream of ticks, robust against a few wrong clocks."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.bars.bar import MINUTE_S

TAKEN: Final = 0
LATE: Final = 1
AHEAD: Final = 2

LONGEST_STEP_S: Final = 3600.0
"""A tick so far after now is taken from any sender: a pause in the trading, or a clock set wrong. It need not
move now."""

ARRIVAL_TOLERANCE_S = 60.0
"""A sender's clock and the log's may differ by so much."""

N_AHEAD, N_LATE = 100, 1000
"""So many more ticks that do not fit than ticks that do: then our clock is wrong, and it starts anew. Late
ones are plentiful in good order (a sender that was offline), so they need more."""


_N_ALONE: Final = 100
"""So many ticks of one sender, with none of others between: the others have stopped."""


class TickClock:
    """Clock that judges whether the time of each tick is within the window, and that keeps the current time.

    A tick is late when its minute has left the window. It is ahead when it is more than an hour after now and
    later than it arrived: a night between two ticks is none, and neither is a simulation that runs ahead of
    our time step by step; a clock set years ahead is, and it moves nothing.

    Now is moved by a tick that arrived when it says it happened. Of ticks that did not, in a replay or a
    simulation, it takes two senders that have come as far, or one where there are no others.

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
        self._claim = _Claim()

    def judge(
        self,
        times: NDArray[np.float64],
        arrivals: NDArray[np.float64],
        senders: NDArray[np.float64] | None = None,
    ) -> NDArray[np.int8]:
        """Return (B,) `TAKEN`, `LATE` or `AHEAD` of ticks in the order in which they are read.

        Parameters
        ----------
        times, arrivals
            (B,) Unix seconds, B > 0: the ticks' own times, and when the log got them.
        senders
            (B,) a number of each sender; None: all are one.
        """
        senders = np.zeros(len(times)) if senders is None else senders
        n_of_first = self._claim.n_until_others(senders)
        if 0 < n_of_first < len(times):
            parts = (slice(n_of_first), slice(n_of_first, None))
            return np.concatenate([self.judge(times[part], arrivals[part], senders[part]) for part in parts])
        newest = int(times.argmax())
        if not self._all_fit(times, arrivals, float(times[newest])):
            ticks = zip(times.tolist(), arrivals.tolist(), senders.tolist(), strict=True)
            return np.array([self._judge(*tick) for tick in ticks], np.int8)
        if times[newest] > self.now:
            self.now, self._now_arrived = float(times[newest]), float(arrivals[newest])
        self._claim.pass_over(senders)
        self._calm(len(times))
        return np.zeros(len(times), np.int8)

    def _all_fit(self, times: NDArray[np.float64], arrivals: NDArray[np.float64], newest: float) -> bool:
        """Return whether each is taken and believed, whatever their order; False where one look can't say."""
        if times.min() < self._first_of_window(max(self.now, newest)):
            return False
        if not self._claim.has_others:
            is_near = newest <= self.now + LONGEST_STEP_S
            return is_near or bool((times <= arrivals + ARRIVAL_TOLERANCE_S).all())
        return bool((_are_live(times, arrivals) | (times <= self.now)).all())

    def _judge(self, time: float, arrival: float, sender: float) -> int:
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
            self._move(time, arrival, sender)
            return TAKEN
        self._n_ahead = self._n_late = 0
        self.now, self._now_arrived = time, arrival
        self._claim.drop()
        return TAKEN

    def _move(self, time: float, arrival: float, sender: float) -> None:
        """Let a tick that is taken move now, as far as it is believed."""
        is_live = -LONGEST_STEP_S <= time - arrival <= ARRIVAL_TOLERANCE_S
        if time <= self.now or not self._claim.has_others or is_live:
            self._claim.pass_over(sender)
            believed = time
        else:
            believed = self._claim.agreed(time, sender)
        if believed > self.now:
            self.now, self._now_arrived = believed, arrival

    def _first_of_window(self, now: float) -> float:
        return (now // MINUTE_S - self._window + 1) * MINUTE_S

    def _calm(self, n_fitting: int) -> None:
        self._n_ahead = max(0, self._n_ahead - n_fitting)
        self._n_late = max(0, self._n_late - n_fitting)

    def state(self) -> NDArray[np.float64]:
        """Return the state, for a checkpoint."""
        return np.array([self.now, self._now_arrived, self._n_ahead, self._n_late, *self._claim.state()])

    def set_state(self, state: NDArray[np.float64]) -> None:
        """Go on where `state` was called; of the first version's, without knowing any sender."""
        self.now, self._now_arrived, n_ahead, n_late, *claim = state.tolist()
        self._n_ahead, self._n_late = int(n_ahead), int(n_late)
        self._claim = _Claim(*claim)


class _Claim:
    """Latest time that is claimed by one sender alone, among several senders.

    Attributes
    ----------
    has_others
        True when there is more than one sender at all.
    """

    def __init__(
        self,
        time: float = -np.inf,
        sender: float = np.nan,
        n_alone: float = 0,
        first_sender: float = np.nan,
        has_others: float = 0,
    ) -> None:
        self._time, self._sender = time, sender
        self._n_alone = int(n_alone)
        self._first_sender = first_sender
        self.has_others = bool(has_others)

    def n_until_others(self, senders: NDArray[np.float64]) -> int:
        """Return how many of (B,) ticks come before there is more than one sender; note it once there is."""
        if self.has_others:
            return 0
        if np.isnan(self._first_sender):
            self._first_sender = float(senders[0])
        others = np.flatnonzero(senders != self._first_sender)
        n = int(others[0]) if len(others) else len(senders)
        self.has_others = n == 0
        return n

    def pass_over(self, senders: float | NDArray[np.float64]) -> None:
        """Note ticks that need no agreement: unless of its sender, they show that others are there."""
        if np.any(senders != self._sender):
            self._n_alone = 0

    def agreed(self, time: float, sender: float) -> float:
        """Return how far two senders, or one alone, have come with this tick."""
        if sender == self._sender:
            self._time = max(self._time, time)
            self._n_alone += 1
            return self._time if self._n_alone >= _N_ALONE else -np.inf
        both = min(self._time, time)
        if time >= self._time:
            self._time, self._sender = time, sender
        self._n_alone = 0
        return both

    def drop(self) -> None:
        """Forget it: time begins anew."""
        self._time, self._sender, self._n_alone = -np.inf, np.nan, 0

    def state(self) -> list[float]:
        """Return the state, in the order of the arguments."""
        return [self._time, self._sender, self._n_alone, self._first_sender, self.has_others]


def _are_live(times: NDArray[np.float64], arrivals: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (B,) whether ticks arrived about when they happened by their own time."""
    gaps = times - arrivals
    return (gaps >= -LONGEST_STEP_S) & (gaps <= ARRIVAL_TOLERANCE_S)
