"""Parquet tables between steps."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet

from streamrec.errors import CorruptArtifact


def write_table(path: Path, table: pyarrow.Table) -> None:
    """Write a table into the folder of a step that runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path, compression="zstd")


def read_table(path: Path, columns: Sequence[str] | None = None, coded: Sequence[str] = ()) -> pyarrow.Table:
    """Read a table: a file, or the parts of a folder in order of their names.

    Parameters
    ----------
    columns
        The ones that are wanted; None: all.
    coded
        Columns of strings that are read as dictionaries: each distinct one once, and its number in each row.

    Raises
    ------
    CorruptArtifact
        When a file is missing, torn, or lacks a column; the message names the file.
    """
    paths = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not paths:
        raise CorruptArtifact(f"{path} has no parts; run the step that makes it again")
    tables = [_read(part, columns, coded) for part in paths]
    return pyarrow.concat_tables(tables).unify_dictionaries().combine_chunks()


def _read(path: Path, columns: Sequence[str] | None, coded: Sequence[str]) -> pyarrow.Table:
    try:
        with pyarrow.parquet.ParquetFile(path, read_dictionary=list(coded)) as file:
            missing = set(columns or ()) - set(file.schema_arrow.names)
            if missing:
                raise CorruptArtifact(f"{path} has no column {', '.join(sorted(missing))}")
            return file.read(columns=None if columns is None else list(columns))
    except (OSError, pyarrow.ArrowException) as error:
        raise CorruptArtifact(f"{path} can't be read: {error}; run the step that makes it again") from error
