"""A bound on what was sent and is not acknowledged yet."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from streamrec.errors import Overloaded

_RETRY_AFTER_S = 1.0


class InFlight:
    """Room for so many bytes, shared by threads: a log that acknowledges slowly slows its senders down."""

    def __init__(self, max_bytes: int, patience_s: float) -> None:
        """Let a sender wait for room no longer than `patience_s`."""
        self._free = self._max = max_bytes
        self._patience_s = patience_s
        self._changed = threading.Condition()

    @contextmanager
    def room(self, n_bytes: int) -> Iterator[None]:
        """Hold room for `n_bytes` within the block; what is larger than all the room gets all of it.

        Raises
        ------
        Overloaded
            When there is none in time.
        """
        taken = min(n_bytes, self._max)
        deadline = time.monotonic() + self._patience_s
        with self._changed:
            while self._free < taken:
                if not self._changed.wait(max(deadline - time.monotonic(), 0.0)):
                    waiting = self._max - self._free
                    raise Overloaded(f"{waiting} bytes wait to be acknowledged already", _RETRY_AFTER_S)
            self._free -= taken
        try:
            yield
        finally:
            with self._changed:
                self._free += taken
                self._changed.notify_all()
