"""Ctrl-C and SIGTERM as a wish that is asked for, so that nothing is cut in the middle."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from streamrec.process.stop import heed_signals


class StopWish:
    """Set by a signal; also a clock whose sleep ends with it."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> bool:
        """Return whether to stop."""
        return self._event.is_set()

    def now(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the wish to stop."""
        self._event.wait(seconds)

    def wait(self) -> None:
        """Wait for the wish."""
        self._event.wait()

    def set(self) -> None:
        """Wish it."""
        self._event.set()


class Cancellation:
    """Break a block off at a signal, once: also at one that came before it, and at none after it.

    What a signal raises may be lost: imports of large packages, and finalizers, catch everything. So the
    block also asks, by `check`, now and then.
    """

    def __init__(self) -> None:
        self._is_wished = self._is_heeded = False
        self._is_in_block = False

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Handle the signal."""
        self._is_wished = True
        if self._is_heeded:
            self._is_heeded = False  # the next one must not break off what this one leads to
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if the block still runs although a signal came."""
        if self._is_wished and self._is_in_block:
            self._is_heeded = False
            raise KeyboardInterrupt

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Raise `KeyboardInterrupt` in the block, if that is wished."""
        try:
            self._is_in_block = self._is_heeded = True
            self.check()
            yield
        finally:
            self._is_in_block = self._is_heeded = False


def stop_at_end_of_input() -> None:
    """Send this process SIGTERM once its standard input is at its end; for a thread."""
    # Not `sys.stdin.read`: it would hold a lock that processes forked meanwhile wait for, forever.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def stopping_on_signals(
    *more: signal.Signals, again: Callable[[], object] | None = None
) -> Iterator[StopWish]:
    """Let signals set the wish, instead of ending the process, while the block runs.

    Parameters
    ----------
    more
        Signals beside SIGINT and SIGTERM.
    again
        Called at each signal after the first.
    """
    wish = StopWish()

    def stop() -> None:
        if wish() and again is not None:
            again()
        wish.set()

    end = heed_signals((signal.SIGINT, signal.SIGTERM, *more), stop)
    try:
        yield wish
    finally:
        end()
