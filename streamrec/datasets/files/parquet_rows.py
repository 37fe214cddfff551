"""Rows of a Parquet file, a record batch at a time."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pyarrow
import pyarrow.compute
import pyarrow.parquet

from streamrec.datasets.files.delimited.records import NumberedRow
from streamrec.errors import InvalidDataset

_BATCH = 16_384  # rows
_MAGIC = b"PAR1"
_PACKED = {b"\x1f\x8b": "packed with gzip: unpack it", b"PK": "a zip archive: unpack it"}
_TICKS_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def parquet_columns(path: Path) -> list[str]:
    """Return the schema's names.

    Raises
    ------
    InvalidDataset
        When it is no Parquet file.
    """
    with path.open("rb") as file:
        start = file.read(len(_MAGIC))
    if start != _MAGIC:
        what = _PACKED.get(start[:2], "no Parquet file")
        raise InvalidDataset(f"{path} is {what}" if start else f"{path} is empty")
    return list(_paths_in(pyarrow.parquet.read_schema(path)))


def parquet_rows(path: Path, wanted: Mapping[str, str] | None) -> Iterator[NumberedRow]:
    """Yield rows without their nulls, numbered from 1; only one record batch is in memory.

    Parameters
    ----------
    wanted
        Name in a row -> column; None: all columns. Of two columns of one name the first counts.
    """
    number = 0
    with pyarrow.parquet.ParquetFile(path) as file:
        if wanted is None:
            wanted = {name: name for name in file.schema_arrow.names}
        for batch in file.iter_batches(_BATCH, columns=list(dict.fromkeys(wanted.values()))):
            columns = [_plain_values(_column_at(batch, column)) for column in wanted.values()]
            for values in zip(*columns, strict=True):
                number += 1
                yield number, 1, {n: v for n, v in zip(wanted, values, strict=True) if v is not None}


def _paths_in(fields: Iterable[pyarrow.Field]) -> Iterator[str]:
    """Yield the names of columns, and the paths of what is within structs."""
    for field in fields:
        yield field.name
        if pyarrow.types.is_struct(field.type):
            yield from (f"{field.name}.{inner}" for inner in _paths_in(field.type))


def _column_at(batch: pyarrow.RecordBatch, name: str) -> pyarrow.Array:
    """Return the column of a name, or of a path within structs."""
    names = batch.schema.names
    if name in names:
        return batch.column(names.index(name))
    first = next(one for one in names if name.startswith(f"{one}."))
    column = batch.column(names.index(first))
    for part in name.removeprefix(f"{first}.").split("."):
        column = pyarrow.compute.struct_field(column, part)
    return column


def _plain_values(column: pyarrow.Array) -> list[Any]:
    """Return values as JSON has them; times as Unix seconds (a time without a zone is taken as UTC)."""
    types = pyarrow.types
    if types.is_run_end_encoded(column.type):
        column = pyarrow.compute.run_end_decode(column)
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_date(column.type):
        column = column.cast(pyarrow.timestamp("s" if types.is_date32(column.type) else "ms"))
    if types.is_timestamp(column.type):
        column = _seconds(column)
    values = cast("list[Any]", column.to_pylist())
    is_plain = any(
        is_of(column.type) for is_of in (types.is_integer, types.is_floating, types.is_boolean, _is_text)
    )
    return values if is_plain else [_plain(value) for value in values]


def _is_text(type_: pyarrow.DataType) -> bool:
    types = pyarrow.types
    return bool(types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_))


def _seconds(column: pyarrow.Array) -> pyarrow.Array:
    """Return Unix seconds as floats, without a detour that overflows."""
    ticks = column.cast(pyarrow.int64())
    n_a_second = _TICKS_A_SECOND[column.type.unit]
    if n_a_second == _TICKS_A_SECOND["ns"]:
        # The nanoseconds of our days are more than a float64 can count.
        ticks, n_a_second = pyarrow.compute.divide(ticks, 1000), _TICKS_A_SECOND["us"]
    return pyarrow.compute.divide(ticks.cast(pyarrow.float64(), safe=False), float(n_a_second))


def _plain(value: Any) -> Any:  # noqa: ANN401 - a value of any type that Parquet has
    match value:
        case bytes():
            # Bytes that are not UTF-8 become surrogates, which no id may hold: only their row is lost.
            return value.decode(errors="surrogateescape")
        case UUID():
            return str(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case timedelta():
            return value.total_seconds()
        case time():
            return str(value)
        case list() | tuple():
            return [_plain(part) for part in value]
        case dict():
            return {name: _plain(part) for name, part in value.items()}
    return value
