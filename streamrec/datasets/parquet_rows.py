"""Rows of a Parquet file, a record batch at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow
import pyarrow.compute
import pyarrow.parquet

from streamrec.datasets.text_rows import NumberedRow

_PARQUET_BATCH = 16_384  # rows


def parquet_columns(path: Path) -> list[str]:
    """Return the schema's names."""
    return list(pyarrow.parquet.read_schema(path).names)


def parquet_rows(path: Path, wanted: Sequence[str]) -> Iterator[NumberedRow]:
    """Yield rows without their nulls, numbered from 1; only one record batch is in memory."""
    number = 0
    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(_PARQUET_BATCH, columns=list(wanted)):
            columns = [_plain_values(batch.column(name)) for name in wanted]
            for values in zip(*columns, strict=True):
                number += 1
                row = {n: value for n, value in zip(wanted, values, strict=True) if value is not None}
                yield number, row


def _plain_values(column: pyarrow.Array) -> list[Any]:
    """Return Python values; times as Unix seconds (a time without a zone is taken as UTC)."""
    if pyarrow.types.is_date(column.type):
        column = column.cast(pyarrow.timestamp("s" if pyarrow.types.is_date32(column.type) else "ms"))
    if pyarrow.types.is_timestamp(column.type):
        # Microseconds, because the nanoseconds of our days are more than a float64 can count.
        ticks = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False).cast(pyarrow.int64())
        column = pyarrow.compute.divide(ticks.cast(pyarrow.float64()), 1e6)
    elif pyarrow.types.is_decimal(column.type):
        column = column.cast(pyarrow.float64())
    return cast("list[Any]", column.to_pylist())
