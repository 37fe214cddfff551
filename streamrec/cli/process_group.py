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


def main(procfile: Path) -> int:
    """Run until the end; return what honcho would exit with."""
    manager.KILL_WAIT = KILL_AFTER_S
    processes = manager.Manager()
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
