"""`streamrec init` and `streamrec run` on each of ten odd files, until a list about somebody is served.

.venv/bin/python -m benchmarks.own_files.run [WORDS OF A SHOP]
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.own_files.shops import SHOPS, write_items
from streamrec.cli.launch.local_servers import free_port

ROOT = Path(__file__).parents[2]
PATIENCE_S = 600.0
ANSWERED = "First personalized answer"


class Cost(NamedTuple):
    """Seconds on the clock, and of processors, those of children included."""

    wall_s: float
    processor_s: float


class Shop:
    """A folder with a shop's files, and the commands that run there.

    Parameters
    ----------
    write
        Writes the file of events, and returns its name.
    folder
        An empty one.
    """

    def __init__(self, write: Callable[[Path], str], folder: Path) -> None:
        self._files = [write(folder), write_items(folder)]
        self._folder = folder
        self._said = folder / "said.txt"
        ports = {"INDEX_PORT": str(free_port()), "RECOMMENDER_PORT": str(free_port())}
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **ports}

    def look(self) -> Cost:
        """Run `init` to its end.

        Raises
        ------
        RuntimeError
            When it fails, with what it said.
        """
        started, before = time.monotonic(), os.times()
        if self._start("init", *self._files).wait() != 0:
            raise RuntimeError(self.said())
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return Cost(time.monotonic() - started, used)

    def serve(self) -> Cost:
        """Run `run` until it has served a list about somebody, and stop it.

        Raises
        ------
        RuntimeError
            When it ends before, with what it said.
        """
        started = time.monotonic()
        running = self._start("run")
        try:
            while ANSWERED not in self.said():
                if running.poll() is not None or time.monotonic() - started > PATIENCE_S:
                    raise RuntimeError(self.said())
                time.sleep(0.02)
            return Cost(time.monotonic() - started, _used_by(running))
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGINT)
            running.wait()

    def said(self) -> str:
        """Return what the commands have said so far."""
        return self._said.read_text("utf-8", "replace")

    def _start(self, *words: str) -> psutil.Popen:
        command = [sys.executable, "-m", "streamrec", *words]
        with self._said.open("ab") as out:
            return psutil.Popen(
                command, cwd=self._folder, env=self._environment, stdout=out, stderr=subprocess.STDOUT
            )


def _used_by(process: psutil.Process) -> float:
    """Return seconds of processors that a process and what it started have used so far."""
    seconds = 0.0
    for one in (process, *process.children(recursive=True)):
        seconds += sum(one.cpu_times()[:4])  # own and of children that ended, user and system
    return seconds


def main(words: str) -> None:
    """Print a line a shop: seconds in all, and of each command, with those of processors in brackets."""
    for name, write in SHOPS.items():
        if words not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            shop = Shop(write, Path(folder))
            costs = {"init": shop.look(), "run": shop.serve()}
        parts = ", ".join(f"{key} {one.wall_s:.1f} ({one.processor_s:.1f})" for key, one in costs.items())
        seconds = sum(one.wall_s for one in costs.values())
        sys.stdout.write(f"{name:38} {seconds:5.1f} s: {parts}\n")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
