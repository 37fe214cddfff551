"""Writing of an archive, a part a day and partition."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow
import pyarrow.parquet

from streamrec.datasets.archive.parts import (
    Part,
    day_of,
    digest_of_log,
    next_offsets,
    part_of,
    parts_in,
)
from streamrec.datasets.archive.rows import (
    ROWS_AT_ONCE,
    UNFINISHED,
    Archived,
    PartFile,
    batch_of,
    put_in_place,
    unfinished,
)
from streamrec.errors import Unavailable

MOST_ROWS = 1_000_000
"""Of a part: some 30 MB, and what an archive that was killed reads again at most."""


class ArchiveWriter:
    """Writes events of a log into parts; what is not finished when it ends is not there.

    A part ends when an event of a later day comes, or it holds `most_rows`. The last part of a partition is
    gone on with while it is of the same day, so that there is one a day, however often an archive is written.

    Parameters
    ----------
    identity
        Of the log.
    """

    def __init__(self, folder: Path, identity: str, most_rows: int = MOST_ROWS) -> None:
        self._folder = folder
        self._identity = identity
        self._log = digest_of_log(identity)
        self._most_rows = most_rows
        self._open: dict[int, _OpenPart] = {}
        self.n_written = 0
        remove_unfinished(folder)
        self._last = {
            part.partition: part
            for part in sorted(parts_in(folder), key=lambda part: part.next)
            if part.log == self._log
        }

    def next_offsets(self) -> dict[int, int]:
        """Return where the archive of this log goes on, by partition."""
        return next_offsets(self._last.values(), self._log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        for part in self._open.values():
            part.discard()

    def add(self, events: Sequence[Archived]) -> None:
        """Take in events, in the order of their offsets within a partition.

        Raises
        ------
        Unavailable
            When the disk is full, or can't be written.
        """
        try:
            for event in events:
                self._add(event)
        except (OSError, pyarrow.ArrowException) as error:
            raise Unavailable(f"{self._folder} can't be written: {error}") from error
        self.n_written += len(events)

    def _add(self, archived: Archived) -> None:
        day = day_of(archived.appended_at)
        part = self._open.get(archived.partition)
        if part is not None and (day > part.day or part.n_rows >= self._most_rows):
            # The next part's first event says where this one ends: nothing lies between the two.
            self._finish(archived.partition, archived.offset)
            part = None
        if part is None:
            part = self._begin(day, archived)
        part.add(archived)

    def _begin(self, day: str, archived: Archived) -> "_OpenPart":
        before = self._last.get(archived.partition)
        part = _OpenPart(self._folder, self._identity, day, archived.partition, archived.offset)
        self._open[archived.partition] = part
        if before is not None and before.day == day:
            part.go_on_with(before, self._most_rows)
        return part

    def finish(self, ends: dict[int, int]) -> None:
        """Let what is open be there.

        Parameters
        ----------
        ends
            Offset up to which each partition was read: what is no event counts as archived.

        Raises
        ------
        Unavailable
            When the disk is full, or can't be written.
        """
        try:
            for partition in [*self._open]:
                self._finish(partition, ends[partition])
            for partition, part in self._last.items():
                if part.next < ends.get(partition, 0):
                    self._last[partition] = self._extended(part, ends[partition])
        except (OSError, pyarrow.ArrowException) as error:
            raise Unavailable(f"{self._folder} can't be written: {error}") from error

    def _extended(self, part: Part, end: int) -> Part:
        """Let a part stand for what was read behind it, too, where no event was among it."""
        longer = part._replace(next=end)
        put_in_place(self._folder / part.name, self._folder / longer.name)
        return longer

    def _finish(self, partition: int, end: int) -> None:
        self._last[partition] = self._open[partition].finish(self._log, end)
        del self._open[partition]


class _OpenPart:
    """A part that is being written, under a name that no reader looks at."""

    def __init__(self, folder: Path, identity: str, day: str, partition: int, first: int) -> None:
        self._folder = folder
        self.day, self._partition, self._first = day, partition, first
        self._before: Part | None = None
        self._path = unfinished(folder, f"{partition}-{os.getpid()}")
        self._file = PartFile(self._path, identity)
        self._rows: list[Archived] = []

    @property
    def n_rows(self) -> int:
        """Number of events so far."""
        return self._file.n_rows + len(self._rows)

    def go_on_with(self, before: Part, most_rows: int) -> None:
        """Begin with what a finished part of this day holds, which this one replaces."""
        path = self._folder / before.name
        with pyarrow.parquet.ParquetFile(path) as old:
            if old.metadata.num_rows >= most_rows:
                return
            for batch in old.iter_batches(ROWS_AT_ONCE):
                self._file.write(batch)
        self._before, self._first = before, before.first

    def add(self, archived: Archived) -> None:
        """Take in an event."""
        self._rows.append(archived)
        if len(self._rows) >= ROWS_AT_ONCE:
            self._write_rows()

    def _write_rows(self) -> None:
        if self._rows:
            self._file.write(batch_of(self._rows))
            self._rows = []

    def finish(self, log: str, end: int) -> Part:
        """Put the part in place, whole and on disk."""
        self._write_rows()
        self._file.close()
        part = Part(self.day, log, self._partition, self._first, end)
        put_in_place(self._path, self._folder / part.name)
        if self._before is not None and self._before != part:
            (self._folder / self._before.name).unlink(missing_ok=True)
        return part

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError, pyarrow.ArrowException):  # the disk may be full
            self._file.close()
        self._path.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what a process left that was killed, and parts that others hold."""
    for leftover in folder.glob(f"{UNFINISHED}*"):
        leftover.unlink(missing_ok=True)
    whole = {part.name for part in parts_in(folder)}
    for path in folder.glob("*-p*-*.parquet"):
        if part_of(path.name) is not None and path.name not in whole:
            path.unlink(missing_ok=True)
