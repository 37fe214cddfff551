"""Work beside the stream: what is too old is removed, so that nothing grows for ever."""

from collections.abc import Callable, Mapping
from threading import Event, Thread
from types import TracebackType

import structlog

from streamrec.errors import StreamrecError
from streamrec.ports import Metrics
from streamrec.telemetry import timed

Task = Callable[[], int]
"""Removes something, and returns how much."""


class Housekeeping:
    """Does some tasks again and again in a thread of its own. One that fails is tried again the next time.

    Every trainer's process does them, whether it learns or stands by: doing one twice removes nothing more.

    Parameters
    ----------
    tasks
        By the names that logs and metrics give them.
    interval_s
        Between two rounds.
    """

    def __init__(self, tasks: Mapping[str, Task], interval_s: float, metrics: Metrics) -> None:
        self._tasks = tasks
        self._interval_s = interval_s
        self._metrics = metrics
        self._is_ending = Event()
        self._failed: set[str] = set()
        self._thread = Thread(target=self._run, name="housekeeping", daemon=True)

    def __enter__(self) -> "Housekeeping":
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._is_ending.set()
        self._thread.join()

    def do_all(self) -> None:
        """Do each task once."""
        for name, task in self._tasks.items():
            if self._is_ending.is_set():
                return
            try:
                with timed(self._metrics, "housekeeping"):
                    n_removed = task()
            except (StreamrecError, OSError) as error:
                self._metrics.count("housekeeping_failures")
                if name not in self._failed:
                    structlog.get_logger().error("housekeeping_failed", task=name, error=str(error))
                self._failed.add(name)
                continue
            self._failed.discard(name)
            if n_removed:
                structlog.get_logger().info("housekeeping", task=name, n_removed=n_removed)

    def _run(self) -> None:
        while not self._is_ending.wait(self._interval_s):
            self.do_all()
