"""Work on the memory of this process as it is now, done beside it, by a process that is forked off.

The other process has a copy of all memory, of which the system makes only the pages that either changes. Of
the threads it has the one that forked alone: a lock that another held then stays held. So what is done there
is plain work on arrays and files, it closes what it has inherited, and it is ended if it takes too long.
"""

import gc
import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

from streamrec.errors import StreamrecError, Unavailable, UnsoundModel

_NICENESS = 5
"""Learning and publishing come first."""

_MOST_S = 600.0
"""A gigabyte takes some seconds; whoever needs so long waits for a lock that nobody will release."""

_LONGEST_REPORT = 4_000
"""Bytes; a pipe takes as many without anybody reading."""

_DONE, _UNSOUND, _FAILED = 0, 3, 4
"""Exit codes; others are of a process that was killed."""


class Forked:
    """Work that is done beside this process, from the moment on in which this is made."""

    def __init__(self, work: Callable[[], object], most_s: float = _MOST_S) -> None:
        self._reading, writing = os.pipe()
        self._deadline = time.monotonic() + most_s
        self._code: int | None = None
        self._pid = os.fork()
        if not self._pid:
            _do(work, writing)
        os.close(writing)

    def is_done(self) -> bool:
        """Return whether the work ended, well or not."""
        if self._code is None:
            if time.monotonic() > self._deadline:
                os.kill(self._pid, signal.SIGKILL)
                self._wait(0)
            else:
                self._wait(os.WNOHANG)
        return self._code is not None

    def result(self) -> None:
        """Wait for the end.

        Raises
        ------
        UnsoundModel
            If the work raised it.
        Unavailable
            When the work failed of anything else, or its process was killed.
        """
        while not self.is_done():
            time.sleep(0.01)
        report = self._report()
        if self._code == _UNSOUND:
            raise UnsoundModel(report)
        if self._code != _DONE:
            raise Unavailable(report or f"the process that did it ended with {self._code}")

    def end(self) -> None:
        """Stop it, wherever it is."""
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)
            self._wait(0)
        self._report()

    def _wait(self, how: int) -> None:
        pid, status = os.waitpid(self._pid, how)
        if pid:
            self._code = os.waitstatus_to_exitcode(status)

    def _report(self) -> str:
        """Return what the work failed of; only once, for it is read from a pipe."""
        reading, self._reading = self._reading, -1
        if reading < 0:
            return ""
        with open(reading, "rb") as pipe:
            return pipe.read().decode("utf-8", "replace")


def _do(work: Callable[[], object], writing: int) -> NoReturn:
    """Do the work in the process that was forked off, and end it: nothing after it may run twice."""
    code, report = _FAILED, ""
    try:
        # What others made must not be taken apart here: it may talk to servers when it goes.
        gc.disable()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        # Locks of files and connections would else live on when this process' parent has let go of them.
        os.closerange(3, writing)
        os.closerange(writing + 1, os.sysconf("SC_OPEN_MAX"))
        os.nice(_NICENESS)
        work()
        code = _DONE
    except UnsoundModel as error:
        code, report = _UNSOUND, str(error)
    except StreamrecError as error:
        report = str(error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, this process ends here
        report = f"{type(error).__name__}: {error}"
    finally:
        if report:
            os.write(writing, report.encode()[:_LONGEST_REPORT])
        os._exit(code)
