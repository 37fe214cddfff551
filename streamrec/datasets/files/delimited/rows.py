"""Rows of CSV: the header and its delimiter, then a row a record."""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from streamrec.datasets.files.delimited.fields import FieldSplitter
from streamrec.datasets.files.delimited.lines import Lines, is_cut
from streamrec.datasets.files.delimited.records import CsvRecords, Header, NumberedRow, Suspicion
from streamrec.datasets.files.plain_files import open_text
from streamrec.errors import InvalidDataset

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE | re.DOTALL)  # Excel's
_SIGNS = re.compile(r'[^\w\s"\\]{2,4}')  # as in MovieLens-1M: 1::1193::5::978300760
_ESCAPES = {"tab": "\t", "\\t": "\t"}


@dataclass(frozen=True)
class CsvFile:
    """A file of CSV.

    Attributes
    ----------
    delimiter
        One character; None: what a line ``sep=`` before the header says, else `usual_delimiter`.
    encoding
        As in `open_bytes`.
    has_header
        Whether the first line names the columns; else their names are 1, 2, 3 and so on.
    """

    path: Path
    delimiter: str | None = None
    usual_delimiter: str = ","
    encoding: str | None = None
    has_header: bool = True

    def columns(self) -> list[str]:
        """Return the header's names.

        Raises
        ------
        InvalidDataset
            When there is none.
        """
        with open_text(self.path, self.encoding) as text:
            return self._header(Lines(text))[0]

    def rows(
        self, wanted: Mapping[str, str] | None, suspicion: Suspicion, on_open_mark: Callable[[int], None]
    ) -> Iterator[NumberedRow]:
        """Yield rows without their empty fields; see `CsvRecords` and `RowSource.rows`."""
        with open_text(self.path, self.encoding) as text:
            lines = Lines(text)
            columns, splitter = self._header(lines)
            header = Header(columns, {name: name for name in columns} if wanted is None else wanted)
            yield from CsvRecords(lines, splitter, header, suspicion, on_open_mark)

    def _header(self, lines: Lines) -> tuple[list[str], FieldSplitter]:
        first = next(lines, None)
        separator = None if first is None else _SEPARATOR_LINE.fullmatch(first)
        if separator is not None:
            first = next(lines, None)
        while first is not None and not first.strip():
            first = next(lines, None)
        if first is None:
            wanted = "a header line with the names of the columns" if self.has_header else "rows"
            raise InvalidDataset(f"{self.path} is empty; wanted {wanted}")
        if is_cut(first):
            raise InvalidDataset(f"{self.path}: the first line has more than {len(first):,} characters")
        told = self.delimiter or (separator[1] if separator else self.usual_delimiter)
        splitter = FieldSplitter(told)
        names = splitter.split(first)[0]
        if not self.has_header:
            lines.take_back([first])
            names = [str(number) for number in range(1, len(names) + 1)]
        return names, splitter


def delimiter_of(option: str) -> str:
    r"""Return the delimiter that an option names.

    >>> delimiter_of(";"), delimiter_of(r"\t"), delimiter_of(r"\x01"), delimiter_of("tab"), delimiter_of("::")
    (';', '\t', '\x01', '\t', '::')

    Raises
    ------
    InvalidDataset
        When it is not one character or some signs, or one that ends fields or lines by itself.
    """
    delimiter = _ESCAPES.get(option.lower(), option)
    if re.fullmatch(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[0-7]{1,3})", option):
        delimiter = codecs.decode(option, "unicode_escape")
    if _SIGNS.fullmatch(delimiter):
        return delimiter
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise InvalidDataset(f"a delimiter is one character such as ';' or '\\t' (a tab), not {option!r}")
    return delimiter
