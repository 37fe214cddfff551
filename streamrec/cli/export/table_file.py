"""Parquet files that are written row by row, and are whole or not there."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow
import pyarrow.parquet

from streamrec.cli.screen import Show
from streamrec.durable_files import replaced
from streamrec.errors import Unavailable

_ROWS_AT_ONCE = 32_768
"""Rows of a group: what is in memory at a time, and few enough groups to be read fast."""

Row = Sequence[object]
"""Values, one a column."""


class Table(NamedTuple):
    """Rows to be written, and what their columns are called and hold."""

    schema: pyarrow.Schema
    rows: Iterable[Row]


@contextmanager
def _as_ours(path: Path) -> Iterator[None]:
    """Turn what a full disk raises into our error."""
    try:
        yield
    except (OSError, pyarrow.ArrowException) as error:
        raise Unavailable(f"{path} can't be written: {error}") from error


def write_table(path: Path, table: Table, show: Show) -> int:
    """Write a table a group of rows at a time; return the number of rows.

    Parameters
    ----------
    show
        Called with the number of rows so far.

    Raises
    ------
    Unavailable
        When the file can't be written; the one before is left then.
    """
    rows, n_rows = iter(table.rows), 0
    with (
        _as_ours(path),
        replaced(path) as file,
        pyarrow.parquet.ParquetWriter(file, table.schema, compression="zstd") as writer,
    ):
        while group := list(islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(_as_table(group, table.schema))
            n_rows += len(group)
            show(n_rows)
    return n_rows


def _as_table(rows: Sequence[Row], schema: pyarrow.Schema) -> pyarrow.Table:
    columns = zip(*rows, strict=True)
    arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pyarrow.Table.from_arrays(arrays, schema=schema)
