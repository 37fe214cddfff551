"""Files that are whole and on disk, or not there: what is written is synced, and one rename puts it in place.

Readers see the old file or the new one, never half of it, also after a power cut.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from streamrec.faults.points import fault_point, writing_through_points


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file that is on disk at the end of the block, for a folder that is put in place later."""
    with path.open("wb") as file:
        yield writing_through_points(file, path)
        file.flush()
        fault_point("fsync", path)
        os.fsync(file.fileno())


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that replaces the one at `path` at the end of the block, unless that raises.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "file"
    >>> with replaced(path) as file:
    ...     n_written = file.write(b"whole")
    >>> path.read_bytes(), [other.name for other in path.parent.iterdir()]
    (b'whole', ['file'])
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with written(temporary) as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        if error.filename == str(temporary):
            error.filename = str(path)  # the one that people know
        raise
    finally:
        with suppress(OSError):  # the reason for it was raised already
            temporary.unlink(missing_ok=True)
    sync(path.parent)


def replace_bytes(path: Path, payload: bytes) -> None:
    """Replace a small file."""
    with replaced(path) as file:
        file.write(payload)


def refuse_unwritable(path: Path) -> None:
    """Make sure that a file can be written at a path, before long work for it; make its folder.

    Raises
    ------
    OSError
        When it can't.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    is_there = path.exists()
    with path.open("ab"):
        pass
    if not is_there:
        path.unlink()


def previous_of(path: Path) -> Path:
    """Return where the file stands that was at `path` before the one that is."""
    return path.with_name(f"{path.name}.previous")


def keep_previous(path: Path) -> None:
    """Let the file at `path`, if there is one, be the previous one; it stays when `path` is replaced.

    It costs a second name. A file system that gives a file no second name keeps no previous one.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.previous.tmp")
    with suppress(OSError):
        os.link(path, temporary)
        temporary.replace(previous_of(path))
    # Of two names of one file the rename does nothing.
    temporary.unlink(missing_ok=True)


def fall_back(path: Path) -> None:
    """Put the previous file in the place of a damaged one, which stands beside it for people to look at."""
    damaged = path.with_name(f"{path.name}.damaged")
    damaged.unlink(missing_ok=True)
    os.link(path, damaged)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.previous.tmp")
    temporary.unlink(missing_ok=True)  # of one that was killed here: in a container all have one number
    os.link(previous_of(path), temporary)
    temporary.replace(path)


def replace_folder(path: Path, unfinished: Path) -> None:
    """Put a folder, whose files are on disk, in place of the one at `path`, if there is one."""
    sync(unfinished)
    shutil.rmtree(path, ignore_errors=True)
    unfinished.rename(path)
    sync(path.parent)


def remove_leftovers(path: Path) -> None:
    """Remove what processes left that were killed while they replaced `path`."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        leftover.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Put a file, or the names in a folder, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fault_point("fsync", path)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return a file's checksum in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
