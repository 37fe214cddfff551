"""A command that ends with the process that started it, however that one ends.

``python -I -S tied.py PARENT COMMAND...`` becomes the command. Knows nothing of streamrec, and starts in
milliseconds.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""Of Linux: the signal that a process gets at its parent's end. It outlasts becoming another program."""


def main(parent: int, command: list[str]) -> None:
    """Become the command, unless the parent has gone already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(f"the process {parent} that started this one is gone")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]} can't be started: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
