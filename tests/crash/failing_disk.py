"""A disk whose calls fail now and then, by Debian's fiu-utils: SQLite's own calls among them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Final

from streamrec.adapters.opening import open_trainer_store
from tests.crash.killing import PATIENCE_S, Ended, is_following
from tests.crash.places import Places, environment
from tests.e2e.processes import ROOT

FAULTS: Final[Mapping[str, str]] = {
    "posix/io/sync/fsync": ",failinfo=5",
    "posix/io/sync/fdatasync": ",failinfo=5",
    "posix/io/rw/write": ",failinfo=28",
    "posix/io/rw/pwrite": ",failinfo=28",
    "posix/io/rw/write/reduce": "",
    "posix/io/rw/pwrite/reduce": "",
    "posix/io/dir/rename": ",failinfo=5",
}
"""Calls that fail, with EIO or ENOSPC, or write less than they were given."""

SIGNS_OF_FAILURE: Final = ("No space left on device", "Input/output error", "disk I/O error", "disk is full")

_LEASE_S: Final = 3.0
"""A process looks for its lease three times as often, and takes one that stands still after twice as long."""

_WORK: Final = """
import typer
from streamrec.cli.ending import ending_with_a_line
from tests.crash.scenarios import SCENARIOS
def work():
    with ending_with_a_line():
        SCENARIOS[{name!r}].work(None)
typer.run(work)
"""


def why_not() -> str | None:
    """Return why no calls can be let fail here; None: they can."""
    return None if shutil.which("fiu-run") and shutil.which("fiu-ctrl") else "fiu-utils is not installed"


class OnFailingDisk:
    """A process whose calls to the disk fail from the moment on at which it gets its lease, until mended.

    Parameters
    ----------
    lease
        Its name: nobody may have it.
    probability
        Of each call to fail.
    """

    def __init__(self, name: str, lease: str, places: Places, probability: float) -> None:
        self._control, self._log = places.folder / "fiu", places.folder / "said-on-failing-disk"
        durations = {
            f"STREAMREC_{who}_LEASE_DURATION_S": str(_LEASE_S)
            for who in ("TRAINER", "HISTORY", "ATTRIBUTION")
        }
        with closing(open_trainer_store(places.store)) as store:
            held = store.acquire(lease, "tests", 3600.0, time.time())
            assert held is not None
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [
                        "fiu-run",
                        "-x",
                        "-f",
                        str(self._control),
                        sys.executable,
                        "-c",
                        _WORK.format(name=name),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=ROOT,
                    env={**os.environ, **environment(places), **durations},
                )
            try:
                self.wait(lambda: '"standing_by"' in self.said())
                options = f"probability={probability}"
                self._tell(*(f"enable_random name={call},{options}{how}" for call, how in FAULTS.items()))
            except BaseException:
                self._process.kill()
                self._process.wait()
                raise
            store.release(held)

    def said(self) -> str:
        """Return what it has said."""
        return self._log.read_text("utf-8", "replace")

    def has_failed_calls(self) -> bool:
        """Whether a call has failed, and it has said so."""
        return any(sign in self.said() for sign in SIGNS_OF_FAILURE)

    def is_following(self) -> bool:
        """Whether it has begun to follow the log."""
        return is_following(self.said())

    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process.poll() is None

    def mend(self) -> None:
        """Let no call fail any more."""
        self._tell(*(f"disable name={call}" for call in FAULTS))

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
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return Ended(self._process.wait(), self.said())

    def _tell(self, *commands: str) -> None:
        if self.is_running():
            options = [word for command in commands for word in ("-c", command)]
            told = ["fiu-ctrl", "-f", str(self._control), *options, str(self._process.pid)]
            subprocess.run(told, check=True, capture_output=True, timeout=PATIENCE_S)
