"""Many readers or one writer.

Faiss searches of several threads may run side by side, but a search while a vector is added is a
segmentation fault: adding moves the memory that the search reads.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """Shared among readers, exclusive for a writer; a waiting writer goes before new readers.

    Not reentrant. Writers come first because they are short (milliseconds) and a busy server
    always has a reader: a fair order would let updates wait without end.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._n_readers = 0
        self._n_waiting_writers = 0
        self._is_writing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock together with other readers."""
        with self._changed:
            while self._is_writing or self._n_waiting_writers:
                self._changed.wait()
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
            while self._is_writing or self._n_readers:
                self._changed.wait()
            self._n_waiting_writers -= 1
            self._is_writing = True
        try:
            yield
        finally:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
