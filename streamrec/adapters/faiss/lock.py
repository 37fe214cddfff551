"""Many readers or one writer.

Faiss searches of several threads may run side by side, but a search while a vector is added is a
segmentation fault: adding moves the memory that the search reads.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """Shared among readers, exclusive for a writer; they take turns where both wait.

    A waiting writer goes before readers that come after it: a busy server always has a reader, and updates
    would wait without end. When it is done, the readers that have waited go before the next writer: a batch
    of updates is many short writes in a row, and no search shall wait for all of them. Not reentrant.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._n_readers = 0
        self._n_waiting_readers = 0
        self._n_waiting_writers = 0
        self._n_passes = 0
        self._is_writing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock together with other readers."""
        with self._changed:
            self._n_waiting_readers += 1
            while self._is_writing or (self._n_waiting_writers and not self._n_passes):
                self._changed.wait()
            self._n_waiting_readers -= 1
            self._n_passes = max(0, self._n_passes - 1)
            self._n_readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_readers -= 1
                if not self._n_readers:
                    self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock alone."""
        with self._changed:
            self._n_waiting_writers += 1
            while self._is_writing or self._n_readers or self._n_passes:
                self._changed.wait()
            self._n_waiting_writers -= 1
            self._is_writing = True
        try:
            yield
        finally:
            with self._changed:
                self._is_writing = False
                self._n_passes = self._n_waiting_readers
                self._changed.notify_all()
