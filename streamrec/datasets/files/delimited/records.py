"""Records of CSV: a line each, or several lines where a quoted field holds line breaks.

A quotation mark that stays open would swallow all lines up to the next mark. So a record of several lines is
believed only as far as its own lines contradict it:

1. **No mark ends the field** within `MAX_RECORD_LINES`, or one stands within it undoubled: its line is read
   by itself, the mark as text.
2. **Every line is a row by itself** (the right number of fields, ids and a time found in each): they are
   rows. Where the caller can't be sure of that, and the quoted reading fits as well, none of them is read.
3. **The number of fields is wrong**, or a column that holds no line breaks has one (an id, a time) and one of
   the lines before the last is a row: each line is read by itself, and left out by itself if it does not fit.
4. Otherwise it is one record; with a line break in an id it is left out.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from streamrec.datasets.files.delimited.fields import BLANKS, FieldSplitter, OpenField
from streamrec.datasets.files.delimited.lines import Lines, is_cut
from streamrec.datasets.files.plain_files import MAX_LINE
from streamrec.errors import InvalidEvent

MAX_RECORD_LINES = 1000
"""Lines that a quoted field may span: a mark that stays open costs no more than this look ahead."""

NumberedRow = tuple[int, int, Mapping[str, Any] | InvalidEvent]
"""The line on which a row starts, how many lines it takes, and its values by column or what is wrong."""

OPEN_MARK = "open_quote"
OPEN_MARK_NOTE = "a quotation mark stays open and is read as text"

_LINE_BREAK_REASON = "line_break"
_TWO_READINGS = (
    "they are one record with a quoted field, or rows behind a quotation mark that stays open: "
    "double the mark, or remove it"
)

_LINE_BREAK = re.compile(r"[\r\n]")
_NOT_PLAIN = re.compile(f'[{BLANKS}=]"|"[{BLANKS}]')
_SURROGATE = re.compile("[\ud800-\udfff]")


class Suspicion(NamedTuple):
    """Knowledge that the reader of a table has of its rows, for fields that seem to span lines.

    Attributes
    ----------
    is_row
        Says of the values of one line whether they are a row.
    is_sure
        Whether what `is_row` accepts is a row without doubt.
    flat_names
        Values of these names have no line breaks.
    """

    is_row: Callable[[Mapping[str, Any]], bool]
    is_sure: bool
    flat_names: Collection[str]


@dataclass(frozen=True)
class Header:
    """The names of the columns of a file, and those that are wanted: name in a row -> column."""

    columns: Sequence[str]
    wanted: Mapping[str, str]

    @property
    def positions(self) -> list[tuple[str, int]]:
        """Positions of the wanted columns."""
        return [(name, self.columns.index(column)) for name, column in self.wanted.items()]

    @property
    def n_named(self) -> int:
        """Number of columns without unnamed ones at the end."""
        return max((at for at, name in enumerate(self.columns, 1) if name), default=0)


class CsvRecords:
    """Reads the lines after the header as rows.

    Parameters
    ----------
    on_open_mark
        Called with the number of each line in which a mark that stays open was read as text.
    """

    def __init__(
        self,
        lines: Lines,
        splitter: FieldSplitter,
        header: Header,
        suspicion: Suspicion,
        on_open_mark: Callable[[int], None],
    ) -> None:
        self._lines = lines
        self._splitter = splitter
        self._positions = header.positions
        self._n_columns, self._n_named = len(header.columns), header.n_named
        self._suspicion = suspicion
        self._on_open_mark = on_open_mark
        # The reader of the standard library is fast, and agrees with the splitter where there are no blanks
        # beside a mark, and no mark is open or stands where it should be doubled: then it fails.
        self._quoted: deque[str] = deque()
        delimiter = splitter.delimiter
        self._is_plain = len(delimiter) == 1
        self._reader = csv.reader(iter(self._quoted.popleft, None), delimiter=delimiter[0], strict=True)

    def __iter__(self) -> Iterator[NumberedRow]:
        """Yield rows; blank lines are skipped."""
        lines, wanted, n_columns = self._lines, self._positions, self._n_columns
        delimiter, blanks = self._splitter.delimiter, self._splitter.blanks
        for line in lines:
            if len(line) < MAX_LINE and (line.isascii() or not _SURROGATE.search(line)):
                fields = self._quoted_fields(line) if '"' in line else line.rstrip("\r\n").split(delimiter)
                if len(fields) == n_columns and line.strip():
                    yield lines.number, 1, {n: text for n, at in wanted if (text := fields[at].strip(blanks))}
                    continue
            yield from self._read_with_care(line)

    def _quoted_fields(self, line: str) -> list[str]:
        """Return the fields of a line whose marks leave no doubt; else none."""
        if not self._is_plain or _NOT_PLAIN.search(line):
            return []
        self._quoted.append(line)
        try:
            return next(self._reader)
        except (csv.Error, IndexError):  # no line follows this one
            self._quoted.clear()
            return []

    def _read_with_care(self, line: str) -> Iterator[NumberedRow]:
        """Read from a line on that is not plain, or does not fit."""
        number = self._lines.number
        if is_cut(line):
            yield number, 1, InvalidEvent("line_too_long", f"the line has more than {len(line):,} characters")
            return
        fields, opened = self._splitter.split(line)
        if opened is None:
            if line.strip():
                yield number, 1, self._row(fields)
            return
        more: list[str] = []
        record = self._continued(fields, opened, more)
        if record is None:
            self._lines.take_back(more)
            self._on_open_mark(number)
            yield number, 1, self._row(fields)
        else:
            yield from self._one_or_many(number, record, [line, *more])

    def _continued(self, fields: list[str], opened: OpenField, more: list[str]) -> list[str] | None:
        """Return the fields of a record whose open field is followed over the next lines, noted in `more`.

        None: no mark ends it.
        """
        record, parts = fields[: opened.at], [opened.text]
        for line in self._lines:
            more.append(line)
            if is_cut(line) or len(more) >= MAX_RECORD_LINES:
                return None
            try:
                closing = self._splitter.closing(line)
            except ValueError:
                return None
            if closing is None:
                parts.append(line.replace('""', '"'))
                continue
            record.append("".join([*parts, closing.text]))
            if closing.rest is None:
                return record
            fields, again = self._splitter.split(closing.rest)
            if again is None:
                return record + fields
            record += fields[: again.at]
            parts = [again.text]
        return None

    def _one_or_many(self, first: int, record: list[str], lines: list[str]) -> Iterator[NumberedRow]:
        """Decide how lines are read that quotation marks hold together."""
        by_line = [(first + at, 1, self._row(self._splitter.split(line)[0])) for at, line in enumerate(lines)]
        are_rows = [self._is_row(row) for _, _, row in by_line]
        whole = self._whole(record)
        if not isinstance(whole, InvalidEvent):
            if all(are_rows) and not self._suspicion.is_sure:
                whole = InvalidEvent(OPEN_MARK, _TWO_READINGS)
            if not all(are_rows) or not self._suspicion.is_sure:
                yield first, len(lines), whole
                return
        elif whole.reason == _LINE_BREAK_REASON and not any(are_rows[:-1]):
            yield first, len(lines), whole
            return
        self._on_open_mark(first)
        yield from by_line

    def _whole(self, record: list[str]) -> Mapping[str, Any] | InvalidEvent:
        """Return several lines as one row."""
        row = self._row(record)
        if not isinstance(row, InvalidEvent):
            for name in self._suspicion.flat_names:
                if _LINE_BREAK.search(row.get(name, "")):
                    return InvalidEvent(_LINE_BREAK_REASON, f"{name} has a line break in it")
        return row

    def _is_row(self, row: Mapping[str, Any] | InvalidEvent) -> bool:
        return not isinstance(row, InvalidEvent) and self._suspicion.is_row(row)

    def _row(self, fields: list[str]) -> Mapping[str, Any] | InvalidEvent:
        n_fields = len(fields)
        # Exports that end each line with a delimiter, or name no column behind the last one.
        if n_fields > self._n_columns and not any(fields[self._n_columns :]):
            n_fields = self._n_columns
        if not self._n_named <= n_fields <= self._n_columns:
            return InvalidEvent("wrong_columns", f"{n_fields} fields; the header has {self._n_columns}")
        row = {name: text for name, at in self._positions if at < n_fields and (text := fields[at])}
        for name, text in row.items():
            if not text.isascii() and _SURROGATE.search(text):
                return InvalidEvent(
                    "not_utf8",
                    f"{name} holds bytes that are not of the file's encoding, which is UTF-8 where nothing "
                    "else is told: give one, for example --encoding cp1252",
                )
        return row
