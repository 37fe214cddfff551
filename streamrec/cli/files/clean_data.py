"""`clean-data`: forgets everything learned and stored, unless something still works with it.

Runs with nothing but Python: `make` asks it before there is an installation, and after it was damaged.
"""

import fcntl
import shutil
import sys
from pathlib import Path

from streamrec.adapters.sqlite.open_elsewhere import is_open_elsewhere

VAR = Path("var")
LOCK_NAME = "run.lock"
_FOLDERS = ("artifacts", "log", "replay", "stack")
_ENDS = (".db", ".db-wal", ".db-shm", ".sock")


def why_not(var: Path) -> str | None:
    """Return what still works with a folder; None: nothing does."""
    for lock in (var / LOCK_NAME, var / "stack" / LOCK_NAME):
        if lock.is_file():
            with lock.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    commands = "`stack-local`" if lock.parent != var else "`run` or `serve`"
                    return f"{commands} is running: Ctrl-C stops it"
    for path in sorted(var.glob("*.db")):
        if is_open_elsewhere(path):
            return f"a process works with {path}: stop trainer, recommender, index server and histories"
    return None


def forget(var: Path) -> None:
    """Remove what was learned and stored; data sets that were fetched stay."""
    for name in _FOLDERS:
        shutil.rmtree(var / name, ignore_errors=True)
    for path in var.glob("*"):
        if path.name.endswith(_ENDS) or path.name == LOCK_NAME:
            path.unlink(missing_ok=True)


def clean_data() -> None:
    """Forget everything learned and stored in this folder; refused while something works with it."""
    reason = why_not(VAR)
    if reason is not None:
        sys.stderr.write(f"error: nothing was removed, because {reason}\n")
        sys.exit(2)
    forget(VAR)


if __name__ == "__main__":
    clean_data()
