"""A file as rows of named columns: CSV, JSON Lines or Parquet."""

import gzip
import lzma
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow

from streamrec.datasets.files.delimited.records import NumberedRow, Suspicion
from streamrec.datasets.files.delimited.rows import CsvFile, delimiter_of
from streamrec.datasets.files.objects.rows import json_columns, json_rows
from streamrec.datasets.files.parquet_rows import parquet_columns, parquet_rows
from streamrec.datasets.files.plain_files import first_bytes
from streamrec.datasets.files.reading import AS_IT_STANDS, FileFormat, Reading
from streamrec.errors import InvalidDataset

_FORMAT_OF: Mapping[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_TABBED = (".tsv", ".tab")
_N_BYTES_PEEKED = 4096
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?[\s\x1e]*(?:\{|\[\s*[{\[\]])")
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, pyarrow.ArrowException, zipfile.BadZipFile)


@dataclass(frozen=True)
class RowSource:
    """A file to read rows from.

    Attributes
    ----------
    path
        The file. CSV and JSON that are packed (gzip, bzip2, xz, zstd, a zip of one file) are known by their
        first bytes.
    reading
        How it is read.
    """

    path: Path
    reading: Reading = AS_IT_STANDS

    def columns(self) -> list[str]:
        """Return the names of the columns.

        Raises
        ------
        InvalidDataset
            When the file is missing, empty, damaged or of no format that is read here.
        """
        with readable(self.path):
            match self.kind:
                case "csv":
                    return self._csv().columns()
                case "jsonl":
                    return json_columns(self.path, self.reading.encoding)
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
        with readable(self.path):
            match self.kind:
                case "csv":
                    yield from self._csv().rows(wanted, suspicion, on_open_mark)
                case "jsonl":
                    yield from json_rows(self.path, wanted, single, self.reading.encoding)
                case "parquet":
                    yield from parquet_rows(self.path, wanted)

    @property
    def kind(self) -> FileFormat:
        """Format that it is read in: of the name's ending, and where that says nothing of the first bytes.

        Raises
        ------
        InvalidDataset
            When the file can't be read.
        """
        known = self.reading.format or _FORMAT_OF.get(_deciding_suffix(self.path))
        if known is not None:
            return known
        with readable(self.path):
            start = first_bytes(self.path, _N_BYTES_PEEKED)
        if start.startswith(b"PAR1"):
            return "parquet"
        is_json = _deciding_suffix(self.path) in (".json", ".geojson") or _JSON.match(start)
        return "jsonl" if is_json else "csv"

    @property
    def usual_delimiter(self) -> str:
        """Separator of fields where nothing else is told."""
        return "\t" if _deciding_suffix(self.path) in _TABBED else ","

    @property
    def delimiter(self) -> str:
        """Separator of fields, where the file does not name one itself."""
        told = self.reading.delimiter
        return self.usual_delimiter if told is None else delimiter_of(told)

    @property
    def is_tabbed(self) -> bool:
        """Whether tabs separate its fields: then a line that looks like a row is one, without doubt."""
        # Text with tabs is hardly ever quoted; of CSV, a text of several lines may look like rows.
        return (self.reading.delimiter or self.usual_delimiter).lower() in ("\t", "\\t", "tab")

    def _csv(self) -> CsvFile:
        how = self.reading
        told = None if how.delimiter is None else delimiter_of(how.delimiter)
        return CsvFile(self.path, told, self.usual_delimiter, how.encoding, how.has_header)


def format_of(path: Path) -> FileFormat:
    """Return what a name says that a file is to be.

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
        raise InvalidDataset(f"{path}: wanted a name that ends in {', '.join(_FORMAT_OF)}")
    return known


def _deciding_suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in _PACKED]
    return suffixes[-1] if suffixes else ""


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Tell what is wrong with a file as a whole.

    Raises
    ------
    InvalidDataset
        In place of what its bytes raise.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise InvalidDataset(f"there is no file {path}") from error
    except _DAMAGE as error:
        raise InvalidDataset(f"{path} is damaged or incomplete: {error}") from error
    except UnicodeError as error:
        raise InvalidDataset(f"{path} holds bytes that are not of its encoding: {error}") from error
    except OSError as error:
        raise InvalidDataset(f"{path} can't be read: {error}") from error
