"""Layout of a file: its encoding, what separates its fields, whether it has a header; and its first rows."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from streamrec.datasets.detection.encodings import with_encoding
from streamrec.datasets.detection.vocabulary import role_of
from streamrec.datasets.files.delimited.fields import FieldSplitter
from streamrec.datasets.files.delimited.lines import Lines
from streamrec.datasets.files.delimited.records import NumberedRow, Suspicion
from streamrec.datasets.files.header_words import advice, later_header, looks_like_data, shown
from streamrec.datasets.files.objects.paths import value_at
from streamrec.datasets.files.parts import parts_of
from streamrec.datasets.files.plain_files import open_text
from streamrec.datasets.files.reading import Reading
from streamrec.datasets.files.row_source import RowSource, readable
from streamrec.errors import InvalidDataset, InvalidEvent

DELIMITERS = (",", ";", "\t", "|", "\x01", "~", "^", "::", "||")
_ITEM_LINE = re.compile(r"\d+:")  # as in the data of the Netflix prize
_N_LINES = 1_000
_N_CELLS = 200_000
_N_ROWS = 5_000
_MOST_COLUMNS = 2_000


@dataclass(frozen=True)
class Layout:
    """A file, and what was found of how it is written.

    Attributes
    ----------
    reading
        How it is read; what needs no option is None there.
    columns
        Names in the order of the file.
    rows
        The first rows that could be read.
    notes
        Words for people: what was found, and how many lines agree.
    is_whole
        Whether there are no more rows than these.
    """

    path: Path
    kind: str
    reading: Reading
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str]
    is_whole: bool

    def values_of(self, column: str) -> list[Any]:
        """Return what stands in a column, without what is empty."""
        return [value for row in self.rows if (value := value_at(row, column)) is not None]


def layout_of(path: Path, told: Reading) -> Layout:
    """Look at the beginning of a file.

    Parameters
    ----------
    told
        What somebody says about it: that is not looked for.

    Raises
    ------
    InvalidDataset
        When it can't be read, has no rows, or too many columns to guess at.
    """
    if not path.exists():
        raise InvalidDataset(f"there is no file {path}")
    part, *others = parts_of(path)
    kind = RowSource(part, told).kind
    with readable(part):
        reading, notes = _written(part, kind, told)
    source = RowSource(part, reading)
    columns = _leaves(source.columns(), kind)
    _check(path, columns)
    if double := [name for name, n in Counter(columns).items() if n > 1]:
        notes.append(f"several columns named {shown(double)}: passed over")
        columns = [name for name in columns if name not in double]
    words = later_header(source, columns) if kind == "csv" else None
    if words is None and kind == "csv" and columns[0].startswith("{"):
        words = advice(source, columns)
    if words is None and _ITEM_LINE.fullmatch(columns[0]):
        words = "it looks like an item with its events on the lines below: write its id into each of these"
    if words is not None:
        raise InvalidDataset(f"{part}: its first line is {shown(columns)}; {words}")
    n_rows = min(_N_ROWS, max(20, _N_CELLS // max(1, len(columns))))
    rows = _rows(source, n_rows)
    if not rows:
        raise InvalidDataset(f"{part} has no row that can be read{_why_none(source)}")
    is_whole = not others and len(rows) < n_rows
    return Layout(path, kind, reading, columns, rows, notes, is_whole)


def _written(part: Path, kind: str, told: Reading) -> tuple[Reading, list[str]]:
    """Return how a file is written, and words on what was found."""
    reading, notes = told, list[str]()
    if kind != "parquet" and told.encoding is None:
        reading, notes = with_encoding(part, reading)
    if kind == "csv":
        lines, source = _lines(part, reading), RowSource(part, told)
        if told.delimiter is None:
            reading, words = _with_delimiter(source, reading, lines)
            notes += words
        if told.has_header:
            reading, words = _with_header(reading, source, lines)
            notes += words
    return reading, notes


def _leaves(columns: Sequence[str], kind: str) -> list[str]:
    """Return the names of what holds values, without those of the objects around it."""
    if kind == "csv":
        return list(columns)
    around = {name[:at] for name in columns for at, letter in enumerate(name) if letter == "."}
    return [name for name in columns if name not in around]


def _check(path: Path, columns: Sequence[str]) -> None:
    if len(columns) > _MOST_COLUMNS:
        raise InvalidDataset(
            f"{path} has {len(columns):,} columns, too many to guess at: name those that count, for example "
            "by `streamrec run --events FILE --map user_id=...,item_id=...,timestamp=...`"
        )
    if len(set(columns)) < len(columns):
        double = [name for name, n in Counter(columns).items() if n > 1 and role_of(name) is not None]
        if not double:
            return
        raise InvalidDataset(f"{path} has several columns named {shown(double)}: rename all but one")


def _lines(part: Path, reading: Reading) -> list[str]:
    with open_text(part, reading.encoding) as text:
        lines = [line for line in islice(Lines(text), _N_LINES) if line.strip()]
    if not lines:
        raise InvalidDataset(f"{part} is empty")
    return lines


def _with_delimiter(source: RowSource, reading: Reading, lines: list[str]) -> tuple[Reading, list[str]]:
    """Take what cuts most lines into the same number of fields; of several the one that cuts finest."""
    if lines[0].lower().lstrip('"').startswith("sep="):
        told = lines[0].rstrip("\r\n").rstrip('"')[-1:]
        return reading, [f"delimiter {told!r} (its first line says so)"]
    is_doubled = all("|" not in line.replace("||", "") for line in lines)
    found = [_cut(lines, one) for one in DELIMITERS if one != ("|" if is_doubled else "||")]
    found = [cut for cut in found if cut.n_fields > 1]
    if not found:
        # Blanks stand in texts as well: they have to cut all lines alike.
        found = [cut for cut in [_cut(lines, " ")] if cut.n_fields > 2 and cut.share == 1]
    if not found:
        return reading, ["one column: no delimiter was found"]
    delimiter, n_fields, share = max(found, key=lambda cut: (round(cut.share, 1), cut.n_fields, cut.share))
    words = f"delimiter {delimiter!r}: {n_fields} fields in {share:.0%} of {len(lines):,} lines"
    if delimiter == source.usual_delimiter:
        return reading, [words]
    return replace(reading, delimiter=delimiter), [words]


class _Cut(NamedTuple):
    """Lines as a delimiter cuts them: the usual number of fields, and the share of lines that have it."""

    delimiter: str
    n_fields: int
    share: float


def _cut(lines: list[str], delimiter: str) -> _Cut:
    splitter = FieldSplitter(delimiter)
    split = [splitter.split(line) for line in lines]
    counts = Counter(len(fields) for fields, opened in split if opened is None)
    n_fields, n_lines = max(counts.items(), key=lambda one: one[1], default=(1, 0))
    return _Cut(delimiter, n_fields, n_lines / max(1, counts.total()))


def _with_header(reading: Reading, source: RowSource, lines: list[str]) -> tuple[Reading, list[str]]:
    names = RowSource(source.path, reading).columns()
    if not looks_like_data(names) and any(role_of(name) for name in names):
        return reading, []
    rows = [FieldSplitter(reading.delimiter or source.usual_delimiter).split(line)[0] for line in lines[1:50]]
    values = [
        {row[at] for row in rows if at < len(row)} for at in range(len(names))
    ]  # what stands below each name
    if looks_like_data(names) or any(
        name in below for name, below in zip(names, values, strict=True) if name
    ):
        return replace(reading, has_header=False), [f"no header: the first line is data ({shown(names)})"]
    return reading, [f"header: {shown(names)} (a guess: none of these words is known here)"]


def _numbered(source: RowSource) -> Iterator[NumberedRow]:
    suspicion = Suspicion(lambda _row: False, is_sure=False, flat_names=[])
    return source.rows(None, [], suspicion, lambda _line: None)


def _rows(source: RowSource, n_rows: int) -> list[Mapping[str, Any]]:
    return [row for _, _, row in islice(_numbered(source), n_rows) if not isinstance(row, InvalidEvent)]


def _why_none(source: RowSource) -> str:
    return next(
        (f"; line {n}: {row}" for n, _, row in _numbered(source) if isinstance(row, InvalidEvent)), ""
    )
