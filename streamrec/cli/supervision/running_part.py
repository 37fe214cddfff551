"""A part that is kept running: started again whenever it ends, until it is told to stop."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import IO

from streamrec.cli.supervision.back_off import BackOff
from streamrec.cli.supervision.output import SUPERVISOR
from streamrec.cli.supervision.part import Part, PartStatus, State

Write = Callable[[str, str], None]
"""Takes a part's name and a line of it."""

PERSON_MUST_ACT = frozenset((2, 3, 4))
"""Exit codes of ours, and of gunicorn, for settings that are wrong and servers that can't begin."""

_N_ENDS_TOLD = 3
"""Ends in a row that are told: one or two happen, and are mended by the next start."""

_N_LAST_LINES = 15

_LONGEST_LINE = 65_536
"""Bytes; longer ones are cut into several."""

_LAST_WORDS_S = 1.0

_CAN_NOT_START = 127
"""Exit code of shells for a command that they could not start."""

_TIED = str(Path(__file__).with_name("tied.py"))


class RunningPart:
    """A part, and the thread that follows its life.

    Parameters
    ----------
    output
        Gets its lines.
    tell
        Gets a text once it keeps ending: with its last lines.
    back_off
        Says how long to wait before it is started again.
    """

    def __init__(self, part: Part, output: Write, tell: Callable[[str], None], back_off: BackOff) -> None:
        self.part = part
        self._output, self._tell, self._back_off = output, tell, back_off
        # As it is now: each life of a part has the same.
        self._environment = {**os.environ, **part.environment}
        self._changed = Condition()
        self._is_wanted = self._is_hurried = self._is_closing = False
        self._state: State = "stopped"
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._n_starts = 0
        self._trouble = ""
        self._last_lines: deque[str] = deque(maxlen=_N_LAST_LINES)
        # A process that is tied to its parent is tied to the thread that started it: this one outlives it.
        self._thread = Thread(target=self._follow, name=part.name, daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Let it run, at once where it waits to be started again."""
        with self._changed:
            if self._is_closing:
                return
            self._is_wanted = self._is_hurried = True
            if self._is_at_rest():
                self._state = "waiting"
            self._changed.notify_all()

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and let it not be started again."""
        with self._changed:
            self._is_wanted = False
            if self._process is not None:
                os.kill(self._process.pid, signal.SIGTERM)
            elif not self._is_at_rest():
                self._state = "stopped"
            self._changed.notify_all()

    def stop(self) -> bool:
        """Stop it and wait for it; return whether it ended by itself in time."""
        self.ask_to_stop()
        with self._changed:
            if self._changed.wait_for(self._is_at_rest, self.part.stop_patience_s):
                return True
            if self._process is not None:
                self._output(SUPERVISOR, f"{self.part.name} does not end and is killed by SIGKILL")
                os.killpg(self._process.pid, signal.SIGKILL)
            self._changed.wait_for(self._is_at_rest)
        return False

    def start_no_more(self) -> None:
        """Let what runs be its last life; to be stopped."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    def join(self) -> None:
        """Wait for the end of the thread, once the part starts no more and was stopped."""
        self._thread.join()

    def status(self) -> PartStatus:
        """Return how it does."""
        with self._changed:
            is_calm = self._process is not None and self._lived_s() >= self._back_off.calm_s
            pid = 0 if self._process is None else self._process.pid
            trouble = "" if is_calm else self._trouble
            return PartStatus(self.part.name, self._state, pid, self._n_starts, trouble)

    def _is_at_rest(self) -> bool:
        return self._state in ("stopped", "done")

    def _lived_s(self) -> float:
        return time.monotonic() - self._started_at

    def _follow(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_wanted or self._is_closing)
                if self._is_closing:
                    return
                try:
                    process = self._begin()
                except OSError as error:  # no memory, or no number for one more process
                    self._last_lines.append(str(error))
                    self._end(_CAN_NOT_START)
                    continue
            self._outlive(process)

    def _outlive(self, process: "subprocess.Popen[bytes]") -> None:
        reader = Thread(target=self._read, args=(process.stdout,), daemon=True)
        reader.start()
        # Not reaped yet: nobody else has its number, nor that of its group.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with suppress(ProcessLookupError, PermissionError):
            # Workers that it left behind would keep its port.
            os.killpg(process.pid, signal.SIGTERM)
        reader.join(_LAST_WORDS_S)
        with self._changed:
            self._end(process.wait())

    def _begin(self) -> "subprocess.Popen[bytes]":
        self._is_hurried = False
        self._started_at = time.monotonic()
        self._last_lines.clear()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", _TIED, str(os.getpid()), *self.part.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
            process_group=0,  # Ctrl-C on the terminal reaches the supervisor alone
        )
        self._n_starts += 1
        self._state = "running"
        self._output(SUPERVISOR, f"{self.part.name} starts, process {self._process.pid}")
        return self._process

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for raw in iter(lambda: stream.readline(_LONGEST_LINE), b""):
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                self._last_lines.append(line)
                self._output(self.part.name, line)

    def _end(self, exit_code: int) -> None:
        """Take note of its end, and wait where it is to be started again."""
        how, lived_s = _words_of(exit_code), self._lived_s()
        self._process = None
        is_done = self.part.is_once and exit_code == 0
        if is_done or not self._is_wanted:
            self._is_wanted = False
            self._state = "done" if is_done else "stopped"
            self._output(SUPERVISOR, f"{self.part.name} ended {how}")
            self._changed.notify_all()
            return
        self._state = "waiting"
        pause_s = self._back_off.after(lived_s)
        self._note_trouble(exit_code, how)
        self._output(SUPERVISOR, f"{self.part.name} ended {how}; it is started again in {pause_s:g} s")
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._is_hurried or not self._is_wanted, pause_s)

    def _note_trouble(self, exit_code: int, how: str) -> None:
        n_ends = self._back_off.n_in_a_row
        was_told = bool(self._trouble) and n_ends > 1
        if not was_told and n_ends < _N_ENDS_TOLD and exit_code not in PERSON_MUST_ACT:
            self._trouble = ""
            return
        often = f", {n_ends} times in a row" if n_ends > 1 else ""
        self._trouble = "\n".join([f"{self.part.name} ended {how}{often}:", *self._last_lines])
        if not was_told:
            with suppress(OSError):  # a full disk, or a screen that is gone, ends no part
                self._tell(self._trouble)


def _words_of(exit_code: int) -> str:
    if exit_code >= 0:
        return f"with exit code {exit_code}"
    with suppress(ValueError):
        return f"by {signal.Signals(-exit_code).name}"
    return f"by signal {-exit_code}"
