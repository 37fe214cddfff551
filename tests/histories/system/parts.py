"""Our processes as they are killed, stopped and started: by a nursery, which knows how each one ended."""

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from tests.e2e.processes import ROOT, eventually
from tests.histories.system.nursery import Order


class Nursery:
    """A nursery, and the way to it."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        with (folder / "nursery.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.histories.system.nursery"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._answer()

    def start(self, order: Order) -> int:
        """Return the process id of what was started."""
        pid: int = self._ask(order)["pid"]
        return pid

    def exit_code(self, pid: int) -> int | None:
        """Return how a process ended, once; None: it runs."""
        code: int | None = self._ask(Order(pid=pid))["exit_code"]
        return code

    def close(self) -> None:
        """End all that was started."""
        self._process.communicate()

    def _ask(self, order: Order) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery ended"
        return msgspec.json.decode(line)


class Part:
    """One of our processes, its group, its log and its clock.

    Attributes
    ----------
    is_frozen
        Whether it was stopped as SIGSTOP does.
    """

    def __init__(self, nursery: Nursery, folder: Path, name: str, order: Order) -> None:
        self.name = name
        self._nursery = nursery
        self._log = folder / f"{name}.log"
        self._clock = folder / f"{name}.clock"
        self._order = msgspec.structs.replace(
            order, folder=str(folder), log=str(self._log), clock=str(self._clock)
        )
        self._pid = 0
        self._frozen_at = 0.0
        self.is_frozen = False
        self.set_clock(0.0)

    @property
    def is_running(self) -> bool:
        """Whether it was started, and nobody has ended it since."""
        return self._pid != 0

    @property
    def frozen_s(self) -> float:
        """How long it has stood; 0: it goes on."""
        return time.monotonic() - self._frozen_at if self.is_frozen else 0.0

    def start(self, planted: str = "") -> None:
        """Start it."""
        assert not self.is_running
        self._pid = self._nursery.start(msgspec.structs.replace(self._order, planted=planted))

    def kill(self) -> None:
        """End it, and what it has started, as a crash does."""
        os.killpg(self._pid, signal.SIGKILL)
        self._wait()

    def end(self) -> None:
        """End it in good order."""
        self.thaw()
        os.kill(self._pid, signal.SIGTERM)
        self._wait()

    def freeze(self) -> None:
        """Stop it where it is."""
        os.killpg(self._pid, signal.SIGSTOP)
        self.is_frozen, self._frozen_at = True, time.monotonic()

    def thaw(self, least_s: float = 0.0) -> None:
        """Let it go on, once it has stood for so long."""
        if self.is_frozen:
            time.sleep(max(0.0, self._frozen_at + least_s - time.monotonic()))
            os.killpg(self._pid, signal.SIGCONT)
            self.is_frozen = False

    def set_clock(self, ahead_s: float) -> None:
        """Let its clock jump."""
        if not self._clock.exists():
            self._clock.write_bytes(bytes(8))
        with self._clock.open("r+b") as file:
            file.write(struct.pack("d", ahead_s))

    def why_ended(self) -> str | None:
        """Return how it ended although nobody ended it; None: it has not."""
        code = self._nursery.exit_code(self._pid) if self._pid else None
        if code is None:
            return None
        self._pid = 0
        return f"{self.name} ended by itself with {code}"

    def said(self) -> str:
        """Return all that it has said since its first start."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def _wait(self) -> None:
        eventually(lambda: self._nursery.exit_code(self._pid) is not None)
        self._pid, self.is_frozen = 0, False
