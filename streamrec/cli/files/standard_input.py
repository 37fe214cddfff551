"""Standard input as a file: what is read twice has to lie somewhere."""

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

from streamrec.errors import InvalidDataset

STANDARD_INPUT = "-"


def named(path: Path) -> Path:
    """Return a path; for ``-`` that of a copy of standard input, which is gone when the process ends.

    Raises
    ------
    InvalidDataset
        When nothing can come from there, or there is no room for it.
    """
    if str(path) != STANDARD_INPUT:
        return path
    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidDataset("'-' reads a file from standard input: pipe one in, or name a file")
    folder = Path(tempfile.mkdtemp(prefix="streamrec-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = folder / "stdin"
    try:
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    except OSError as error:
        raise InvalidDataset(f"standard input can't be copied to {folder}: {error}") from error
    return copy
