"""A process that runs those of a Procfile, and ends with all of them.

Started by `Services`, in a session of its own: Ctrl-C on the terminal must reach the launcher alone, which
stops the others in its own time. Runs until SIGTERM, until one of them ends, or until its standard input
closes, which happens when the launcher is gone, however that came about.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from honcho import manager
from honcho.environ import parse_procfile

KILL_AFTER_S = 45
"""Honcho's own 5 s would cut the trainer's tail (10 s at most) and its checkpoint in the middle."""


_ASK_AGAIN_S = 0.05


class _Group(manager.Manager):  # type: ignore[misc]  # honcho has no types
    """Ends its processes once it has heard of all: one whose start was not told yet would be left behind."""

    def terminate(self) -> None:
        """End all, now or in a moment."""
        if self._all_started():
            super().terminate()
            return
        again = threading.Timer(_ASK_AGAIN_S, os.kill, (os.getpid(), signal.SIGTERM))
        again.daemon = True
        again.start()


def main(procfile: Path) -> int:
    """Run until the end; return what honcho would exit with."""
    manager.KILL_WAIT = KILL_AFTER_S
    processes = _Group()
    for name, command in parse_procfile(procfile.read_text("utf-8")).processes.items():
        processes.add_process(name, command)
    threading.Thread(target=stop_with_launcher, daemon=True).start()
    processes.loop()
    return int(processes.returncode or 0)


def stop_with_launcher() -> None:
    """Send this process SIGTERM once its standard input is at its end; for a thread."""
    # Not `sys.stdin.read`: it would hold a lock that the processes forked meanwhile wait for, forever.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
