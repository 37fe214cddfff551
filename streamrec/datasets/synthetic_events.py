"""A synthetic stream as an `EventSet`, or as a file."""

import gzip
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import msgspec
import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from streamrec.datasets.event_set import CodedColumn, EventSet
from streamrec.datasets.files.item_files import catalog_path, write_items
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import FileFormat
from streamrec.datasets.files.row_source import format_of
from streamrec.datasets.synthetic import EVENT_TYPES, EventBlock, SyntheticStream, item_name, user_name

_SCHEMA = pyarrow.schema(
    {
        "user_id": pyarrow.string(),
        "item_id": pyarrow.string(),
        "timestamp": pyarrow.float64(),
        "type": pyarrow.string(),
        "value": pyarrow.float64(),
    }
)
_LAW_VERSION = 1
"""Raised when the drawing changes: the same seed is another data set then."""


def synthetic_events(stream: SyntheticStream) -> EventSet:
    """Return the whole stream in memory, with the items' metadata (also of those without an event).

    >>> events = synthetic_events(SyntheticStream(1000, n_users=50, n_items=100))
    >>> len(events), events[0].type, len(events.catalog)
    (1000, 'view', 100)
    """
    blocks = list(stream.blocks())
    n_events = stream.n_events
    content_hash = hashlib.sha256(f"{_LAW_VERSION} {stream}".encode()).hexdigest()
    return EventSet(
        f"synthetic-{content_hash[:8]}",
        users=_coded(np.concatenate([block.users for block in blocks]), user_name),
        items=_coded(np.concatenate([block.items for block in blocks]), item_name),
        types=CodedColumn(np.concatenate([block.types for block in blocks]).astype(np.int32), EVENT_TYPES),
        timestamps=np.concatenate([block.timestamps for block in blocks]),
        values=np.concatenate([block.values for block in blocks]),
        lines=np.arange(n_events),
        catalog=tuple(stream.items()),
        content_hash=content_hash,
        report=ReadReport(n_read=n_events),
    )


def write_synthetic(
    stream: SyntheticStream, path: Path, on_progress: Callable[[int], None] | None = None
) -> Path:
    """Write the stream as CSV, JSON Lines (both also gzipped) or Parquet, in bounded memory.

    The items' metadata goes beside it. Files appear under their names when they are whole.

    Parameters
    ----------
    on_progress
        Called with the number of events written so far.

    Returns
    -------
    Where the items' metadata is.

    Raises
    ------
    InvalidDataset
        When the name does not say which format is wanted.
    """
    temporary = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _event_writer(temporary, format_of(path), is_gzip=path.suffix == ".gz") as write:
            for block in stream.blocks():
                write(_record_batch(block))
                if on_progress is not None:
                    on_progress(block.first + len(block))
        write_items(catalog_path(path), stream.items())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return catalog_path(path)


@contextmanager
def _event_writer(
    path: Path, format_: FileFormat, *, is_gzip: bool
) -> Iterator[Callable[[pyarrow.RecordBatch], None]]:
    if format_ == "parquet":
        with pyarrow.parquet.ParquetWriter(path, _SCHEMA) as writer:
            yield writer.write_batch
        return
    with cast("IO[bytes]", gzip.open(path, "wb", compresslevel=6) if is_gzip else path.open("wb")) as file:
        if format_ == "csv":
            with pyarrow.csv.CSVWriter(file, _SCHEMA) as csv_writer:
                yield csv_writer.write_batch
        else:
            yield lambda batch: _write_json_lines(file, batch)


def _write_json_lines(file: IO[bytes], batch: pyarrow.RecordBatch) -> None:
    encode = msgspec.json.Encoder().encode_lines
    file.write(encode([{k: v for k, v in row.items() if v is not None} for row in batch.to_pylist()]))


def _record_batch(block: EventBlock) -> pyarrow.RecordBatch:
    return pyarrow.record_batch(
        [
            pyarrow.array([user_name(user) for user in block.users.tolist()]),
            pyarrow.array([item_name(item) for item in block.items.tolist()]),
            pyarrow.array(block.timestamps),
            pyarrow.array([EVENT_TYPES[type_] for type_ in block.types.tolist()]),
            pyarrow.array(block.values, mask=np.isnan(block.values)),
        ],
        schema=_SCHEMA,
    )


def _coded(numbers: NDArray[np.int64], name: Callable[[int], str]) -> CodedColumn:
    distinct, codes = np.unique(numbers, return_inverse=True)
    return CodedColumn(codes.astype(np.int32), [name(number) for number in distinct.tolist()])
