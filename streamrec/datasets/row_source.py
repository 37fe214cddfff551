"""A file as rows of named columns: CSV, JSON Lines or Parquet."""

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow

from streamrec.datasets.parquet_rows import parquet_columns, parquet_rows
from streamrec.datasets.text_rows import NumberedRow, csv_columns, csv_rows, json_columns, json_rows
from streamrec.errors import InvalidDataset

FileFormat = Literal["csv", "jsonl", "parquet"]

_FORMAT_OF: Mapping[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True)
class RowSource:
    """A file to read rows from.

    Attributes
    ----------
    path
        The file. Gzip is recognized by its first bytes (CSV and JSON Lines).
    format
        By default the name's ending decides.
    delimiter
        Of CSV; by default a tab for ``.tsv``, else a comma.
    """

    path: Path
    format: FileFormat | None = None
    delimiter: str | None = None

    def columns(self) -> list[str]:
        """Return the names of the columns.

        Raises
        ------
        InvalidDataset
            When the file is missing, empty, damaged or of no format that is read here.
        """
        with _readable(self.path):
            match self._format():
                case "csv":
                    return csv_columns(self.path, self._delimiter())
                case "jsonl":
                    return json_columns(self.path)
                case "parquet":
                    return parquet_columns(self.path)

    def rows(self, wanted: Sequence[str]) -> Iterator[NumberedRow]:
        """Yield (line, row) in the file's order and in bounded memory; a header is line 1.

        A row maps the `wanted` columns to raw values; empty CSV fields and nulls are left out. A row that
        can't be read is yielded as the `InvalidEvent` that says why.

        Raises
        ------
        InvalidDataset
            When the file turns out to be damaged.
        """
        with _readable(self.path):
            match self._format():
                case "csv":
                    yield from csv_rows(self.path, self._delimiter(), wanted)
                case "jsonl":
                    yield from json_rows(self.path, wanted)
                case "parquet":
                    yield from parquet_rows(self.path, wanted)

    def _format(self) -> FileFormat:
        return self.format or format_of(self.path)

    def _delimiter(self) -> str:
        delimiter = self.delimiter or ("\t" if ".tsv" in self.path.suffixes else ",")
        if len(delimiter) != 1:
            raise InvalidDataset(f"a delimiter is one character, not {delimiter!r}")
        return delimiter


def format_of(path: Path) -> FileFormat:
    """Return what a file's name says it is.

    Raises
    ------
    InvalidDataset
        When it says nothing that is known here.

    >>> format_of(Path("clicks.csv.gz"))
    'csv'
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    known = _FORMAT_OF.get(suffixes[-1]) if suffixes else None
    if known is None:
        raise InvalidDataset(f"{path}: wanted a name that ends in {', '.join(_FORMAT_OF)} (and .gz)")
    return known


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Tell what is wrong with a file as a whole."""
    try:
        yield
    except FileNotFoundError as error:
        raise InvalidDataset(f"there is no file {path}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile, pyarrow.ArrowException) as error:
        raise InvalidDataset(f"{path} is damaged or incomplete: {error}") from error
    except OSError as error:
        raise InvalidDataset(f"{path} can't be read: {error}") from error
