"""Lines of several processes: on the screen or in one file, each with a name before it, or in a file each."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from logging import Handler, LogRecord, StreamHandler
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Lock

from streamrec.errors import ConfigurationError

SUPERVISOR = "supervisor"
"""Name of what the supervisor says itself, among its parts' lines."""

N_BACKUPS = 2
"""Files kept of what was written before, as ``<name>.1`` and ``<name>.2``."""

LONGEST_FILE = 10_000_000
"""Bytes; then a file is begun anew."""


class _Rotated(RotatingFileHandler):
    """A file that is begun anew when it has grown long; a full disk costs lines, and nothing else."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(
                path, maxBytes=LONGEST_FILE, backupCount=N_BACKUPS, encoding="utf-8", errors="replace"
            )
        except OSError as error:
            raise ConfigurationError(f"the log {path} can't be written: {error.strerror}") from error

    def handleError(self, record: LogRecord) -> None:  # noqa: N802 - logging's name
        """Go on: whoever writes must not end because its words find no room."""


class _Screen(StreamHandler):  # type: ignore[type-arg]  # it is generic in stubs alone
    """Standard output; when nobody reads it any more, lines are lost, and nothing else."""

    def handleError(self, record: LogRecord) -> None:  # noqa: N802 - logging's name
        """Go on."""


class Output:
    """Takes lines of processes, from several threads.

    Parameters
    ----------
    handler_of
        Makes what writes the lines of a process, by its name.
    is_shared
        Whether one handler writes the lines of all, each with the time and a name before it.
    """

    def __init__(self, handler_of: Callable[[str], Handler], *, is_shared: bool) -> None:
        self._is_shared = is_shared
        self._handler_of = handler_of
        # Made at once, so that a place that can't be written is known before anything starts.
        self._handlers = {SUPERVISOR: handler_of(SUPERVISOR)}
        self._lock = Lock()

    def __call__(self, name: str, line: str) -> None:
        """Write a line of a process; where it can't be written, it is lost, and nothing else."""
        if self._is_shared:
            handler = self._handlers[SUPERVISOR]
            line = f"{time.strftime('%H:%M:%S')} {name:<11} | {line}"
        else:
            with self._lock:
                if name not in self._handlers:
                    try:
                        self._handlers[name] = self._handler_of(name)
                    except ConfigurationError:
                        return  # asked again with the next line
                handler = self._handlers[name]
        # `handle` takes the handler's lock; the line is whole already, and no format.
        handler.handle(LogRecord("", 0, "", 0, line, None, None))

    def close(self) -> None:
        """Close the files, after the last line."""
        for handler in self._handlers.values():
            with suppress(OSError):
                handler.close()


def on_screen() -> Output:
    """Return what writes to standard output."""
    return Output(lambda _name: _Screen(sys.stdout), is_shared=True)


def into_file(path: Path) -> Output:
    """Return what writes into a file, which is begun now: what is in it is kept as ``<name>.1``.

    Raises
    ------
    ConfigurationError
        When it can't be written.
    """
    handler = _Rotated(path)
    if path.stat().st_size:
        handler.doRollover()
    return Output(lambda _name: handler, is_shared=True)


def into_folder(folder: Path) -> Output:
    """Return what writes into a file for each process, ``<process>.log``.

    Raises
    ------
    ConfigurationError
        When the folder can't be written.
    """
    return Output(lambda name: _Rotated(folder / f"{name}.log"), is_shared=False)
