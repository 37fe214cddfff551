"""Named points before each step that lasts, at which a test ends the process or lets the step fail.

A point is reached before a file is written, synced, opened for writing, renamed, linked, removed or cut,
before a transaction is committed, before a server is told to change something, before each wait for a part
outside, and before each step of the stream loop. Its name is the step and what it is done to, as in
``rename:CURRENT`` or ``commit:store.db``; of a name two digits and more are ``#``. Nothing lasts between two
points: a process that dies anywhere leaves what one leaves that dies at a point, or in the middle of a step.

Points are for tests. Without ``STREAMREC_FAULT`` one costs a call (`docs/reference/faults.md`).
"""

import errno
import fnmatch
import io
import os
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple, NoReturn, cast, get_args

from streamrec.errors import ConfigurationError

Action = Literal["kill", "torn", "short", "enospc", "eio"]
"""`kill` ends the process as kill -9 does; `torn` does so when half is written; `short` writes half and then
fails as on a full disk; `enospc` and `eio` let the step fail before it is begun."""

_RECORD: Final = "record:"

_ERRORS: Final = {"enospc": errno.ENOSPC, "short": errno.ENOSPC, "eio": errno.EIO}

_DIGITS: Final = re.compile(r"\d[\w-]+")

_OF_PYTHON: Final = re.compile(r"__pycache__|\.nb[ic]|^/(dev|proc)/|\.pyc")
"""Files that Python and numba make for themselves."""

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_STEPS: Final = {
    "os.rename": ("rename", 1),
    "os.link": ("link", 1),
    "os.remove": ("remove", 0),
    "os.rmdir": ("rmdir", 0),
    "os.mkdir": ("mkdir", 0),
    "os.truncate": ("truncate", 0),
}
"""Steps of which Python itself tells (`sys.audit`), and which of their arguments is what they are done to."""


class Fault(NamedTuple):
    """Action at some hits of some points.

    Attributes
    ----------
    pattern
        Names of points, with ``*`` and ``?`` as in names of files.
    nth
        At which of the hits, from 1.
    lasts
        Whether it happens at all later ones, too.
    """

    pattern: str
    nth: int
    lasts: bool
    action: Action


class _Armed:
    """Counts the hits of each point of this process, and acts at one or writes all of them down."""

    def __init__(self, fault: Fault | None, record: Path | None) -> None:
        self._fault, self._record = fault, record
        self._lock = threading.RLock()  # recording opens a file, which is a step itself
        self._n_hits: Counter[str] = Counter()
        self._is_acting = False

    def reach(self, step: str, of: object) -> Action | None:
        """Return what is to happen at a point."""
        name = name_of(step, of)
        with self._lock:
            if self._is_acting:
                return None
            self._n_hits[name] += 1
            if self._record is not None:
                self._write_down(name)
            fault = self._fault
            if fault is None or not fnmatch.fnmatchcase(name, fault.pattern):
                return None
            self._n_hits[fault.pattern] += fault.pattern != name
            n = self._n_hits[fault.pattern]
            return fault.action if n == fault.nth or (fault.lasts and n > fault.nth) else None

    def _write_down(self, name: str) -> None:
        assert self._record is not None
        self._is_acting = True
        try:
            # Opened anew each time: a process that is forked off closes all that it inherits.
            with self._record.open("a") as file:
                file.write(f"{name}\n")
        finally:
            self._is_acting = False


_armed: _Armed | None = None


def fault_point(step: str, of: object = "", error: Callable[[str], Exception] | None = None) -> None:
    """Reach the point before a step; nothing happens unless a fault was armed.

    Parameters
    ----------
    step, of
        Make the point's name; of a path its last part counts.
    error
        Makes what is raised where the step fails; by default an `OSError`.

    Raises
    ------
    Exception
        That, where an armed fault lets the step fail.
    """
    if _armed is None:
        return
    action = _armed.reach(step, of)
    if action is not None:
        _act(action, error)


def is_armed() -> bool:
    """Return whether points do anything in this process."""
    return _armed is not None


def writing_through_points(file: BinaryIO, path: Path) -> BinaryIO:
    """Return the file; one of which each write is a point where a fault was armed."""
    return file if _armed is None else cast("BinaryIO", _Writes(file, path))


def name_of(step: str, of: object) -> str:
    """Return a point's name.

    >>> name_of("rename", Path("checkpoints/0000000012-0000000003")), name_of("commit", Path("store.db"))
    ('rename:#', 'commit:store.db')
    """
    if isinstance(of, os.PathLike | bytes):
        of = os.path.basename(os.fsdecode(of))
    return f"{step}:{_DIGITS.sub('#', str(of))}" if of != "" else step


def arm(spec: str) -> None:
    """Arm what ``STREAMREC_FAULT`` says: ``name:nth:action``, ``name:nth+:action`` or ``record:FILE``.

    An empty text does nothing, and who is armed stays so: a process reads its settings more than once.

    Raises
    ------
    ConfigurationError
        When it is none of these.
    """
    global _armed  # one process, one fault
    if not spec or _armed is not None:
        return
    if spec.startswith(_RECORD):
        _armed = _Armed(None, Path(spec.removeprefix(_RECORD)))
    else:
        _armed = _Armed(_parsed(spec), None)
    sys.addaudithook(_heard)


def _parsed(spec: str) -> Fault:
    name, _, rest = spec.rpartition(":")
    name, _, nth = name.rpartition(":")
    n = nth.removesuffix("+")
    if not name or not n.isdecimal() or int(n) < 1 or rest not in get_args(Action):
        raise ConfigurationError(
            f"STREAMREC_FAULT {spec!r} is for tests and not of the form name:nth:action, name:nth+:action or"
            f" record:FILE, the action one of {', '.join(get_args(Action))}"
        )
    return Fault(name, int(n), nth.endswith("+"), cast("Action", rest))


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    """Reach the points of what Python tells of itself."""
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, str | bytes | os.PathLike) and isinstance(flags, int) and flags & _WRITING:
            _reach_file("open", path)
    elif event in _STEPS:
        step, which = _STEPS[event]
        _reach_file(step, arguments[which])


def _reach_file(step: str, path: object) -> None:
    if isinstance(path, str | bytes | os.PathLike) and not _OF_PYTHON.search(name := os.fsdecode(path)):
        fault_point(step, Path(name))


def _act(action: Action, error: Callable[[str], Exception] | None = None) -> None:
    if action in ("kill", "torn"):
        die()
    number = _ERRORS[action]
    reason = os.strerror(number)
    raise OSError(number, reason) if error is None else error(reason)


def die() -> NoReturn:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()  # the signal is on its way
    raise AssertionError("killed")


class _Writes(io.RawIOBase):
    """A file whose writes are points. It has no descriptor for others, who would write past the points."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def write(self, data: Any) -> int:  # noqa: ANN401  # buffers have no name before Python 3.12
        action = None if _armed is None else _armed.reach("write", self._path)
        if action in ("torn", "short"):
            whole = memoryview(data).cast("B")
            self._file.write(whole[: len(whole) // 2])
            self._file.flush()
        if action is not None:
            _act(action)
        return self._file.write(data)
