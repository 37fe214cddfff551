"""Processes that a test starts, watches and ends, and waiting until something is so."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil

from streamrec.cli.service_call import Service
from streamrec.errors import StreamrecError

ROOT = Path(__file__).parents[2]

T = TypeVar("T")

PATIENCE_S = 600.0
"""How long anything may take on a busy machine before it counts as broken."""


class Process:
    """A process with an environment of its own; what it says since its start is in a file."""

    def __init__(self, folder: Path, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._command = command
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
        self._folder = folder
        self._log_path = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Process":
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def said(self) -> str:
        return self._log_path.read_text("utf-8", "replace")

    def lines(self, *words: str) -> list[str]:
        """Return the lines that hold all of these words."""
        return [line for line in self.said().splitlines() if all(word in line for word in words)]

    def wait_for_words(self, *words: str) -> None:
        """Wait for a line that holds all of these words."""
        eventually(lambda: bool(self.lines(*words)) or self._fail_if_ended())

    def exit_code(self) -> int:
        """Wait until it ends by itself, and return its exit code."""
        return self.running.wait(PATIENCE_S)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, by force if need be."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()
            self._process.wait()

    def _fail_if_ended(self) -> bool:
        assert self.running.poll() is None, self.said()
        return False


def python(*arguments: str) -> list[str]:
    """Return a command of this Python."""
    return [sys.executable, *arguments]


def gunicorn(service: str, port: int) -> list[str]:
    """Return the command of one of our two servers."""
    settings = f"python:{service}.gunicorn_settings"
    return python("-m", "gunicorn", "-c", settings, "--bind", f"127.0.0.1:{port}")


def left_by_a_killed(code: str, folder: Path, n_started: int) -> list[psutil.Process]:
    """Kill a Python program once it has started `sleep` so often; return which children outlive it."""
    program = Process(folder, "killed", python("-c", code), {}).start()
    try:
        itself = psutil.Process(program.running.pid)
        eventually(lambda: [one.name() for one in itself.children()].count("sleep") == n_started)
        started = itself.children(recursive=True)
    finally:
        program.end(signal.SIGKILL)
    _gone, left = psutil.wait_procs(started, timeout=60)
    return list(left)


def eventually(condition: Callable[[], T], timeout_s: float = PATIENCE_S) -> T:
    """Wait until the condition is true, and return it."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)
    return found


def answer_of(service: Service, path: str) -> Any:
    """Return what a service answers, or the error as text."""
    try:
        return service.get(path)
    except StreamrecError as error:
        return str(error)


def is_ready(service: Service) -> bool:
    """Return whether a service says that it is ready."""
    return isinstance(answer_of(service, "/health/ready"), dict)
