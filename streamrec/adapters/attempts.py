"""Attempts to reach a server or to write a file, one at a time."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from streamrec.errors import ConfigurationError, Unavailable


class Attempts:
    """Lets threads try one after the other; who waited behind one that failed fails of the same.

    Each attempt may take some seconds: if all who wait made their own, the last of them would wait for all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failure: Unavailable | ConfigurationError | None = None
        self._failed_at = -math.inf

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for one's turn, and note it if the attempt in the block fails.

        Raises
        ------
        Unavailable, ConfigurationError
            What an attempt failed of that this one waited for, or itself.
        """
        waiting_since = time.monotonic()
        with self._lock:
            if self._failure is not None and self._failed_at > waiting_since:
                raise type(self._failure)(str(self._failure)) from self._failure
            try:
                yield
            except (Unavailable, ConfigurationError) as error:
                self._failure, self._failed_at = error, time.monotonic()
                raise

    @contextmanager
    def none(self) -> Iterator[None]:
        """Wait for the end of the attempt that is under way, however it ends; none is begun in the block."""
        with self._lock:
            yield
