"""A folder of own files: what a service, and the commands that it starts for them, say to each other by it.

::

    <folder>/
    |-- files/             what was uploaded; streamrec.toml beside it, once it is known how it is read
    |-- told.json          what a person said about how files are read
    |-- found.json         what was found in them
    |-- training.json      how the last training went, or goes
    |-- training.log       what it wrote
    `-- training.lock      held by a training while it runs

Whoever looks finds the same: another worker of the service, and the service after a restart.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from streamrec.datasets.file_options import CONFIG_NAME, FileOptions
from streamrec.durable_files import replace_bytes
from streamrec.errors import Damaged, InvalidInput
from streamrec.payload import decoded

T = TypeVar("T")

TrainingState = Literal["running", "done", "failed", "cancelled"]


class ToldFile(FileOptions, frozen=True):
    """A file and what is told of how it is read, as in `streamrec.toml`; the rest is found out.

    In `map` an empty column means that there is none of this field.
    """


class FoundRole(msgspec.Struct, frozen=True):
    """A column that has a field; `share` of the rows fit it."""

    field: str
    column: str
    share: float
    reason: str
    is_guess: bool


class FoundFile(msgspec.Struct, frozen=True):
    """A file that was looked at.

    Attributes
    ----------
    kind
        None where that could not be told; `problem` says why then.
    rows
        The first ones as texts, by the order of `columns`.
    weights
        By type of event or rule.
    """

    file: str
    kind: Literal["events", "items"] | None = None
    n_rows: int = 0
    columns: list[str] = []
    rows: list[list[str]] = []
    roles: list[FoundRole] = []
    notes: list[str] = []
    weights: dict[str, float] = {}
    problem: str | None = None


class Found(msgspec.Struct, frozen=True):
    """Findings about all files, and the `streamrec.toml` that they make; None while one has a problem."""

    files: list[FoundFile]
    config: str | None = None


class TrainingJob(msgspec.Struct, frozen=True):
    """A training that is asked for.

    Attributes
    ----------
    replaces
        The generation that is live; None: there is none. Where another one is, nothing is trained.
    as_challenger
        Let the new one learn beside it instead of replacing it.
    is_forced
        Replace it also where it knows far more events or users.
    url, api_key
        Where items are put, and with which key.
    """

    replaces: str | None
    as_challenger: bool
    is_forced: bool
    url: str
    api_key: str | None


class TrainingStatus(msgspec.Struct, frozen=True):
    """Course of a training, and its end. Times are Unix seconds.

    Attributes
    ----------
    pid
        Of its process, while it runs.
    done, total
        Of the step; None: nobody can say.
    generation
        The new one, once it is announced.
    """

    state: TrainingState
    step: str
    started_at: float
    pid: int
    replaces: str | None
    as_challenger: bool
    done: int | None = None
    total: int | None = None
    messages: list[str] = []
    ended_at: float | None = None
    generation: str | None = None
    error: str | None = None


class Workspace:
    """The folder, and what stands in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.config = self.files / CONFIG_NAME
        self.log = folder / "training.log"
        self._told = folder / "told.json"
        self._found = folder / "found.json"
        self._training = folder / "training.json"
        self._lock = folder / "training.lock"

    def names(self) -> list[str]:
        """Return the names of the files, in their order; none where there is no folder."""
        if not self.files.is_dir():
            return []
        paths = (path for path in self.files.iterdir() if path.is_file() and path != self.config)
        return sorted(path.name for path in paths if not path.name.startswith("."))

    def told(self) -> list[ToldFile]:
        """Return what was told."""
        return _read(self._told, list[ToldFile]) or []

    def found(self) -> Found | None:
        """Return what was found; None once files have changed."""
        return _read(self._found, Found)

    def training(self) -> TrainingStatus | None:
        """Return how the last training went; one whose process is gone has failed."""
        status = _read(self._training, TrainingStatus)
        if status is None or status.state != "running" or self.is_training():
            return status
        status = _read(self._training, TrainingStatus) or status  # it may have ended between the two looks
        if status.state != "running":
            return status
        error = f"its process ended without a word: it was killed, or had too little memory; see {self.log}"
        return msgspec.structs.replace(status, state="failed", error=error)

    def write_told(self, told: list[ToldFile]) -> None:
        """Replace what was told."""
        self._write(self._told, told)

    def write_found(self, found: Found) -> None:
        """Replace what was found."""
        self._write(self._found, found)

    def write_training(self, status: TrainingStatus) -> None:
        """Replace how the training goes."""
        self._write(self._training, status)

    def forget_findings(self) -> None:
        """Forget what was found in files that are others now."""
        for path in (self._found, self.config):
            path.unlink(missing_ok=True)

    def is_training(self) -> bool:
        """Return whether a training holds the lock."""
        try:
            lock = os.open(self._lock, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(lock)

    @contextmanager
    def training_alone(self) -> Iterator[None]:
        """Hold the lock, which ends with the process.

        Raises
        ------
        InvalidInput
            When another one trains.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(lock)
            yield
        finally:
            os.close(lock)

    def _take(self, lock: int) -> None:
        for _ in range(100):  # whoever looks whether a training runs has the lock for a moment
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.02)
        raise InvalidInput("another training runs already")

    def _write(self, path: Path, value: object) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, msgspec.json.encode(value))


def _read(path: Path, type_: type[T]) -> T | None:
    """Return what a file holds; None where there is none that can be read: it is made again."""
    decode: Any = msgspec.json.Decoder(type_).decode
    try:
        value: T = decoded(decode, path.read_bytes())
    except (OSError, Damaged):
        return None
    return value
