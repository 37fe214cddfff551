"""A clock that tells the time and never goes back, for a process that runs for months."""

import math
from collections.abc import Callable
from threading import Lock


class ForwardClock:
    """Unix seconds of the machine; where these are set back, seconds go on from where they were.

    What is done every second is done every second then, too: a machine whose clock is set back by an hour
    would else publish nothing, write no checkpoint and renew no lease for an hour. Times that are written
    down are ahead meanwhile, until the machine's clock has caught up.

    Parameters
    ----------
    machine
        Unix seconds.
    running
        Seconds of a clock that nobody sets.

    >>> times, seconds = iter([100.0, 40.0, 200.0]), iter([0.0, 5.0, 10.0])
    >>> clock = ForwardClock(lambda: next(times), lambda: next(seconds))
    >>> clock(), clock(), clock()
    (100.0, 105.0, 200.0)
    """

    def __init__(self, machine: Callable[[], float], running: Callable[[], float]) -> None:
        self._machine, self._running = machine, running
        self._last: tuple[float, float] | None = None
        self._lock = Lock()

    def __call__(self) -> float:
        """Return the time."""
        with self._lock:
            return self._look()

    def go_on_from(self, at: float) -> None:
        """Tell no time before this one: a process before told it already."""
        with self._lock:
            self._look(at)

    def _look(self, at_least: float = -math.inf) -> float:
        # In this order: a pause between the two makes the next time no later than it is.
        now, running = self._machine(), self._running()
        if self._last is not None:
            before, running_before = self._last
            now = max(now, before + running - running_before)
        self._last = max(now, at_least), running
        return self._last[0]
