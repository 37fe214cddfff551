"""A disk whose calls fail now and then, by Debian's fiu-utils: SQLite's own calls among them."""

import itertools
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from os import environ
from pathlib import Path
from typing import Final

from tests.crash.killing import PATIENCE_S, Ended
from tests.crash.places import Places, environment
from tests.e2e.processes import ROOT

FAULTS: Final[Mapping[str, str]] = {
    "posix/io/sync/fsync": "failinfo=5",
    "posix/io/sync/fdatasync": "failinfo=5",
    "posix/io/rw/write": "failinfo=28",
    "posix/io/rw/pwrite": "failinfo=28",
    "posix/io/rw/write/reduce": "",
    "posix/io/rw/pwrite/reduce": "",
    "posix/io/dir/rename": "failinfo=5",
}
"""Calls that fail, with EIO or ENOSPC, or write less than they were given."""

SIGNS_OF_FAILURE: Final = ("No space left on device", "Input/output error", "disk I/O error", "disk is full")

_WAITS_TO_BEGIN: Final = """
import sys
from importlib import import_module
from tests.crash.scenarios import SCENARIOS
for name in {modules}:
    import_module(name)
print("ready", flush=True)
sys.stdin.readline()
SCENARIOS[{name!r}].work(None)
"""


def why_not() -> str | None:
    """Return why no calls can be let fail here; None: they can."""
    return None if shutil.which("fiu-run") and shutil.which("fiu-ctrl") else "fiu-utils is not installed"


class OnFailingDisk:
    """A process whose calls to the disk fail once it is told to begin, until they are mended.

    Parameters
    ----------
    modules
        Imported before it begins.
    probability
        Of each call to fail.
    """

    _numbers = itertools.count()

    def __init__(self, name: str, modules: tuple[str, ...], places: Places, probability: float) -> None:
        self._control = str(places.folder / "fiu")
        self._log = places.folder / f"said-{next(self._numbers)}"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["fiu-run", "-x", "-f", self._control, sys.executable, "-c",
                 _WAITS_TO_BEGIN.format(modules=modules, name=name)],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=ROOT,
                env={**environ, **environment(places), "STREAMREC_LOG_LEVEL": "WARNING"},
            )  # fmt: skip
        self.wait(lambda: self.said().startswith("ready"))
        for call, how in FAULTS.items():
            options = ",".join(filter(None, (f"name={call}", f"probability={probability}", how)))
            self._tell(f"enable_random {options}")
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def said(self) -> str:
        """Return what it has said."""
        return self._log.read_text("utf-8", "replace")

    def has_failed_calls(self) -> bool:
        """Whether a call has failed, and it has said so."""
        return any(sign in self.said() for sign in SIGNS_OF_FAILURE)

    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process.poll() is None

    def mend(self) -> None:
        """Let no call fail any more."""
        for call in FAULTS:
            self._tell(f"disable name={call}")

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, or it has ended."""
        deadline = time.monotonic() + PATIENCE_S
        while self.is_running() and not is_so():
            assert time.monotonic() < deadline, f"it hangs: {self.said()[-2000:]}"
            time.sleep(0.02)

    def end(self) -> Ended:
        """Tell it to stop, if it runs, and return how it ended."""
        if self.is_running():
            self._process.send_signal(signal.SIGTERM)
            self.wait(lambda: False)
        return self.kill()

    def kill(self) -> Ended:
        """End it, however it is; return how it ended."""
        self._process.kill()
        self._process.communicate()
        for pipe in Path(self._control).parent.glob("fiu-*"):
            pipe.unlink()
        return Ended(self._process.returncode, self.said())

    def _tell(self, command: str) -> None:
        if self.is_running():
            told = ["fiu-ctrl", "-f", self._control, "-c", command, str(self._process.pid)]
            subprocess.run(told, check=True, capture_output=True, timeout=PATIENCE_S)
