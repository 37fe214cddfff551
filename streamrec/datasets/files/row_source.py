"""A file as rows of named columns: CSV, JSON Lines or Parquet."""

import gzip
import lzma
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow

from streamrec.datasets.files.delimited.records import NumberedRow, Suspicion
from streamrec.datasets.files.delimited.rows import CsvFile, delimiter_of
from streamrec.datasets.files.json_rows import json_columns, json_rows
from streamrec.datasets.files.parquet_rows import parquet_columns, parquet_rows
from streamrec.errors import InvalidDataset

FileFormat = Literal["csv", "jsonl", "parquet"]

_FORMAT_OF: Mapping[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_PACKED = (".gz", ".bz2", ".xz")
_TABBED = (".tsv", ".tab")


@dataclass(frozen=True)
class RowSource:
    """A file to read rows from.

    Attributes
    ----------
    path
        The file. What is packed (gzip, bzip2, xz) is recognized by its first bytes (CSV and JSON Lines).
    format
        By default the name's ending decides.
    delimiter
        Of CSV, as an option gives it; by default a tab for ``.tsv``, else a comma.
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
            match self.kind:
                case "csv":
                    return self._csv().columns()
                case "jsonl":
                    return json_columns(self.path)
                case "parquet":
                    return parquet_columns(self.path)

    def check_single(self, needed: Collection[str]) -> None:
        """Look for columns of one name.

        Raises
        ------
        InvalidDataset
            When a column that is needed stands twice: which one is meant can't be known.
        """
        counts = Counter(self.columns())
        double = sorted(name for name in set(needed) if counts[name] > 1)
        if double:
            raise InvalidDataset(
                f"{self.path} has {counts[double[0]]} columns named {double[0]!r}: rename all but one"
            )

    def rows(
        self,
        wanted: Mapping[str, str] | None,
        single: Collection[str],
        suspicion: Suspicion,
        on_open_mark: Callable[[int], None],
    ) -> Iterator[NumberedRow]:
        """Yield (line, number of lines, row) in the file's order and in bounded memory; a header is line 1.

        A row maps names to raw values; empty CSV fields and nulls are left out. A row that can't be read is
        yielded as the `InvalidEvent` that says why.

        Parameters
        ----------
        wanted
            Name in a row -> column; None: all columns by their own names.
        single
            Keys that must not stand twice in a JSON object; for columns see `check_single`.
        suspicion
            What is known of the rows, where the quotation marks of CSV leave a choice.
        on_open_mark
            Called with each line in which a mark that stays open was read as text.

        Raises
        ------
        InvalidDataset
            When the file turns out to be damaged.
        """
        with _readable(self.path):
            match self.kind:
                case "csv":
                    yield from self._csv().rows(wanted, suspicion, on_open_mark)
                case "jsonl":
                    yield from json_rows(self.path, wanted, single)
                case "parquet":
                    yield from parquet_rows(self.path, wanted)

    @property
    def kind(self) -> FileFormat:
        """Format that it is read in."""
        return self.format or format_of(self.path)

    @property
    def usual_delimiter(self) -> str:
        """Separator of fields where nothing else is told."""
        return "\t" if _deciding_suffix(self.path) in _TABBED else ","

    def _csv(self) -> CsvFile:
        told = None if self.delimiter is None else delimiter_of(self.delimiter)
        return CsvFile(self.path, told, self.usual_delimiter)


def format_of(path: Path) -> FileFormat:
    """Return what a file's name says it is.

    Raises
    ------
    InvalidDataset
        When it says nothing that is known here.

    >>> format_of(Path("clicks.csv.gz")), format_of(Path("EXPORT.TSV"))
    ('csv', 'csv')
    """
    suffix = _deciding_suffix(path)
    known = _FORMAT_OF.get(suffix)
    if known is None:
        hint = "; of a JSON array `jq -c '.[]' FILE` makes JSON Lines" if suffix == ".json" else ""
        raise InvalidDataset(
            f"{path}: wanted a name that ends in {', '.join(_FORMAT_OF)} (and {', '.join(_PACKED)}){hint}"
        )
    return known


def _deciding_suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in _PACKED]
    return suffixes[-1] if suffixes else ""


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Tell what is wrong with a file as a whole."""
    try:
        yield
    except FileNotFoundError as error:
        raise InvalidDataset(f"there is no file {path}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, pyarrow.ArrowException) as error:
        raise InvalidDataset(f"{path} is damaged or incomplete: {error}") from error
    except OSError as error:
        raise InvalidDataset(f"{path} can't be read: {error}") from error
