"""Rows of an archive, and the Parquet files that hold them."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow
import pyarrow.parquet

from streamrec.datasets.archive.parts import LOG_KEY, SCHEMA
from streamrec.domain.events.interaction import Interaction
from streamrec.durable_files import sync
from streamrec.errors import CorruptArtifact
from streamrec.payload import FILE_DAMAGE, damaged

ROWS_AT_ONCE = 65_536
"""Rows of a group in a file, and of one partition that are held in memory: some 10 MB."""

UNFINISHED = ".unfinished-"


class Archived(NamedTuple):
    """An event, and where in the log it stands.

    Attributes
    ----------
    appended_at
        Unix seconds, by the log.
    """

    event: Interaction
    partition: int
    offset: int
    appended_at: float


class PartFile:
    """A Parquet file of events."""

    def __init__(self, path: Path, identity: str) -> None:
        schema = SCHEMA.with_metadata({LOG_KEY: identity.encode()})
        self._writer = pyarrow.parquet.ParquetWriter(path, schema, compression="zstd")
        self.n_rows = 0

    def write(self, batch: pyarrow.RecordBatch) -> None:
        """Append rows."""
        self._writer.write_batch(batch.cast(self._writer.schema))
        self.n_rows += batch.num_rows

    def close(self) -> None:
        """Write the end, without which it is no Parquet file."""
        self._writer.close()


@contextmanager
def opened(path: Path) -> Iterator[pyarrow.parquet.ParquetFile]:
    """Open a part to read it in a block.

    Raises
    ------
    CorruptArtifact
        When it can't be read, there or in the block.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except (*FILE_DAMAGE, pyarrow.ArrowException) as error:
        raise CorruptArtifact(f"{path}: {damaged(error)}") from error


def identity_in(file: pyarrow.parquet.ParquetFile) -> str:
    """Return the identity of a part's log."""
    return ((file.schema_arrow.metadata or {}).get(LOG_KEY) or b"").decode()


def batch_of(rows: Sequence[Archived]) -> pyarrow.RecordBatch:
    """Return rows by column."""
    events = [row.event for row in rows]
    columns: list[list[Any]] = [
        [event.user_id for event in events],
        [event.item_id for event in events],
        [event.timestamp for event in events],
        [event.type for event in events],
        [None if event.value is None or math.isnan(event.value) else event.value for event in events],
        [event.event_id for event in events],
        [row.appended_at for row in rows],
        [row.partition for row in rows],
        [row.offset for row in rows],
    ]
    arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def unfinished(folder: Path, name: str) -> Path:
    """Return where a file is written that no reader may look at yet."""
    return folder / f"{UNFINISHED}{name}"


def put_in_place(written: Path, path: Path) -> None:
    """Give a finished file its name, which says that it is whole."""
    sync(written)
    written.replace(path)
    sync(path.parent)
