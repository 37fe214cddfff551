"""Standard input and pipes as files: what is read twice has to lie somewhere."""

import atexit
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from streamrec.errors import InvalidDataset

STANDARD_INPUT = "-"


def named(path: Path) -> Path:
    """Return a path; for ``-`` and pipes that of a copy, which is gone when the process ends.

    Raises
    ------
    InvalidDataset
        When nothing can come from there, or there is no room for it.
    """
    if str(path) != STANDARD_INPUT:
        return _copied(path, path.name, lambda: path.open("rb")) if path.is_fifo() else path
    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidDataset("'-' reads a file from standard input: pipe one in, or name a file")
    source = sys.stdin.buffer
    return _copied(Path("standard input"), "stdin", lambda: nullcontext(source))


def _copied(path: Path, name: str, open_source: Callable[[], AbstractContextManager[IO[bytes]]]) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="streamrec-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = folder / name
    try:
        with open_source() as source, copy.open("wb") as file:
            shutil.copyfileobj(source, file)
    except OSError as error:
        raise InvalidDataset(f"{path} can't be copied to {folder}: {error}") from error
    return copy
