"""Warnings of repeated failures, at most one in ten seconds of each kind in the whole process."""

import threading
import time
from collections.abc import Callable

import structlog

INTERVAL_S = 10.0
"""While a part is away, a page of the log shows that it still is, and what else happened meanwhile."""

_MOST_KINDS = 256
"""Remembered at once; a caller that gives each failure another name must not fill the memory."""


class LogLimit:
    """Lets the first line of each kind through, and then one an interval, with the number of those left out.

    Safe to call from threads.
    """

    def __init__(self, interval_s: float = INTERVAL_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._due: dict[tuple[str, str], float] = {}
        self._n_left_out: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def warn(self, event: str, *, about: str = "", **fields: object) -> None:
        """Write a warning, or count it for the next of its kind.

        Parameters
        ----------
        about
            Distinguishes failures that may happen at the same time: a part, an address. It is not written.
        """
        n_left_out = self._n_to_tell((event, about))
        if n_left_out is not None:
            more = {"n_left_out": n_left_out} if n_left_out else {}
            structlog.get_logger().warning(event, **fields, **more)

    def clear(self) -> None:
        """Forget the warnings so far."""
        with self._lock:
            self._due.clear()
            self._n_left_out.clear()

    def _n_to_tell(self, kind: tuple[str, str]) -> int | None:
        with self._lock:
            now = self._clock()
            if now < self._due.get(kind, now):
                self._n_left_out[kind] = self._n_left_out.get(kind, 0) + 1
                return None
            if len(self._due) >= _MOST_KINDS:
                self._due.clear()
                self._n_left_out.clear()
            self._due[kind] = now + self._interval_s
            return self._n_left_out.pop(kind, 0)


_limit = LogLimit()

warn_seldom = _limit.warn
"""The process' own: threads that meet the same failure write one line."""

forget_warnings = _limit.clear


def subject_of(error: BaseException) -> str:
    """Return the subject of an error, to tell errors apart: its first word, which mostly is a URL.

    >>> subject_of(ValueError("kafka://127.0.0.1:9092 does not answer: 3 of 4 tries"))
    'kafka://127.0.0.1:9092'
    """
    return str(error).partition(" ")[0]
