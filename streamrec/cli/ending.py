"""The end of a command: what was raised on purpose is a line, and an exit code."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from streamrec.cli.screen import say
from streamrec.errors import StreamrecError

EXIT_ERROR = 2

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_ABOUT_A_FILE = _FULL | {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EFBIG),
    *(errno.ENOENT, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP),
}
"""Errors of the file system that a person can do something about."""


def make_streams_usable() -> None:
    """Let output be written whatever standard output and error are.

    One that was closed (``>&-``) takes everything and shows nothing; one that knows fewer letters gets a
    question mark for what it can't show.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # until the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def ending_with_a_line() -> Iterator[None]:
    """End the process with one line and `EXIT_ERROR` for an error of ours, instead of a traceback.

    So does an error of a file that a command was told to write, or of the disk.
    """
    try:
        yield
    except StreamrecError as error:
        _end(str(error))
    except OSError as error:
        if (words := _about_file(error)) is None:
            raise
        _end(words)


def _end(words: str) -> NoReturn:
    say(f"error: {words}", "red")
    sys.exit(EXIT_ERROR)


def _about_file(error: OSError) -> str | None:
    """Return what is wrong with a file or its disk; None where the error is of something else.

    >>> _about_file(PermissionError(errno.EACCES, "Permission denied", "out.json"))
    "out.json can't be opened: Permission denied"
    >>> _about_file(OSError(errno.ENOSPC, "No space left on device"))
    "a file can't be written: No space left on device; make room there, and start this again"
    >>> _about_file(OSError(errno.EIO, "Input/output error"))
    "a file can't be read or written: Input/output error"
    >>> _about_file(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")) is None
    True
    """
    if error.errno in _FULL:
        what = f"{error.filename or 'a file'} can't be written: {error.strerror}"
        return f"{what}; make room there, and start this again"
    if error.errno == errno.EIO and error.filename is None:  # of a write or a sync, which name no file
        return f"a file can't be read or written: {error.strerror}"
    if error.errno not in _ABOUT_A_FILE or error.filename is None:
        return None
    verb = "written" if error.errno == errno.EROFS else "opened"
    return f"{error.filename} can't be {verb}: {error.strerror}"
