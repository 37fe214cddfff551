"""Ctrl-C and SIGTERM as a wish that is asked for, so that nothing is cut in the middle."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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


@contextmanager
def stopping_on_signals() -> Iterator[StopWish]:
    """Let SIGINT and SIGTERM set the wish, instead of ending the process, while the block runs."""
    wish = StopWish()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        wish.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, on_signal) for number in numbers]
    try:
        yield wish
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
