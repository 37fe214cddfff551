"""Threads that repeat a step until the process ends, whatever happens."""

import os
import threading
from collections.abc import Callable
from typing import NoReturn

import structlog
from gunicorn.arbiter import Arbiter

from streamrec.errors import ConfigurationError, StreamrecError
from streamrec.log_limits import subject_of, warn_seldom

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
"""A log that comes back is noticed within this."""

_log = structlog.get_logger()


def end_service(error: ConfigurationError) -> NoReturn:
    """End the service for a setting that a person must correct: another try would find it as wrong."""
    _log.critical("refused", error=str(error))
    os._exit(Arbiter.WORKER_BOOT_ERROR)  # which ends gunicorn too, instead of another worker


class Repeated:
    """A daemon thread that calls `step` again and again.

    A step that raises is logged and repeated after a pause that grows: a log that does not answer, or a
    snapshot that is half written, may be well a moment later; the index serves what it has until then. A
    setting that is wrong will not be: it ends the service.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], None],
        interval_s: float = 0.0,
        on_problem: Callable[[str | None], None] = lambda problem: None,
    ) -> None:
        """Start at once.

        Parameters
        ----------
        interval_s
            Pause after each step.
        on_problem
            Told of each failure's reason, and None after each success.
        """
        self._step = step
        self._interval_s = interval_s
        self._on_problem = on_problem
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the step that runs come to its end, and no other begin."""
        self._stopping.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            problem = self._problem_of_step(pause_s)
            self._on_problem(problem)
            if problem is None:
                pause_s = _FIRST_PAUSE_S
                self._stopping.wait(self._interval_s)
            else:
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _problem_of_step(self, pause_s: float) -> str | None:
        try:
            self._step()
        except ConfigurationError as error:
            end_service(error)
        except StreamrecError as error:
            # Raised on purpose, it says what is missing; where it was raised would only hide that.
            step = self._thread.name
            warn_seldom(
                "step_failed", about=subject_of(error), step=step, error=str(error), retry_in_s=pause_s
            )
            return f"{type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001  # the thread's outer loop: nobody else would hear of it
            _log.exception("step_failed", step=self._thread.name, retry_in_s=pause_s)
            return f"{type(error).__name__}: {error}"
        return None
