"""Ownership of a folder of learned things: one data set at a time, and one launch at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from streamrec.adapters.files.snapshots import current_generation, read_manifest
from streamrec.cli.files.clean_data import LOCK_NAME
from streamrec.cli.installation import command_line
from streamrec.datasets.event_set import EventSet
from streamrec.durable_files import replace_bytes
from streamrec.errors import ConfigurationError, InvalidInput, StreamrecError


class Learned(msgspec.Struct, frozen=True):
    """Record of the data set that a folder's model was trained on.

    Attributes
    ----------
    content_hash
        As of `EventSet`.
    until_fraction
        Its first part, by time, that was learned from.
    """

    name: str
    content_hash: str
    until_fraction: float


class Owner:
    """The data set that a folder belongs to.

    Parameters
    ----------
    folder
        Where the record lies.
    artifacts_dir
        Where generations lie, which tell the same where an earlier version wrote no record.
    """

    def __init__(self, folder: Path, artifacts_dir: Path) -> None:
        self._folder = folder
        self._artifacts_dir = artifacts_dir
        self._path = folder / "dataset.json"

    def claim(self, events: EventSet, until_fraction: float) -> float:
        """Let the folder belong to a data set; return how much of it is learned, or was already.

        Raises
        ------
        InvalidInput
            When it belongs to another one; with the two ways on.
        """
        before = self._read()
        if before is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            learned = Learned(events.name, events.content_hash, until_fraction)
            replace_bytes(self._path, msgspec.json.encode(learned))
            return until_fraction
        if before.content_hash != events.content_hash:
            raise InvalidInput(
                f"{self._folder.parent} holds what was learned of {before.name}, and this is {events.name}. "
                f"Two ways on: `{command_line('clean-data')}` forgets it; or run this one in another folder, "
                "where it gets a var of its own"
            )
        return before.until_fraction

    def release(self) -> None:
        """Let it belong to nobody, because nothing was learned."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> Learned | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Learned)
        except (OSError, ValueError):
            return self._of_generation()

    def _of_generation(self) -> Learned | None:
        try:
            live = current_generation(self._artifacts_dir)
            data = None if live is None else read_manifest(self._artifacts_dir, live).provenance["data"]
            return None if data is None else Learned(data["name"], data["sha256"], data["until_fraction"])
        except (StreamrecError, KeyError, TypeError):  # learned from the log: it belongs to no file
            return None


@contextmanager
def used_alone(folder: Path) -> Iterator[None]:
    """Hold a folder, so that neither another launch nor `clean-data` touches it meanwhile.

    Raises
    ------
    ConfigurationError
        When somebody else holds it, or it can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigurationError(f"{folder} can't be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"another one works in {folder.absolute()}: stop it, or run this one in another folder"
            ) from error
        yield
    finally:
        os.close(lock)
