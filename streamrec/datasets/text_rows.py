"""Rows of CSV and JSON Lines, plain or gzipped, one at a time, whatever is wrong with some of them."""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from streamrec.errors import Damaged, InvalidDataset, InvalidEvent
from streamrec.payload import decoded

RawRow = Mapping[str, Any] | InvalidEvent
NumberedRow = tuple[int, RawRow]

_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
_MAX_LINE = 1_000_000  # a longer line is cut, and fails by itself: one line never fills the memory
_N_LINES_PEEKED = 1000  # JSON Lines has no header; its columns are the keys of the first lines


def _open_binary(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        is_gzip = file.read(2) == _GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path, "rb")) if is_gzip else path.open("rb")


def _open_text(path: Path) -> TextIOWrapper:
    # Bytes that are not UTF-8 become surrogates, which no id may hold: only their row is lost.
    return TextIOWrapper(_open_binary(path), "utf-8-sig", errors="surrogateescape", newline="")


def _bounded_lines(text: TextIOWrapper) -> Iterator[str]:
    """Yield lines, cut to `_MAX_LINE`."""
    while line := text.readline(_MAX_LINE):
        is_cut = len(line) == _MAX_LINE and not line.endswith("\n")
        yield line + "\n" if is_cut else line
        while is_cut:
            rest = text.readline(_MAX_LINE)
            is_cut = bool(rest) and not rest.endswith("\n")


def csv_columns(path: Path, delimiter: str) -> list[str]:
    """Return the header's names."""
    with _open_text(path) as text:
        header = next(csv.reader(_bounded_lines(text), delimiter=delimiter), None)
    if not header:
        raise InvalidDataset(f"{path} is empty; wanted a header line with the names of the columns")
    return [name.strip() for name in header]


def csv_rows(path: Path, delimiter: str, wanted: Sequence[str]) -> Iterator[NumberedRow]:
    """Yield rows of CSV without their empty fields; blank lines are skipped."""
    columns = csv_columns(path, delimiter)
    positions = [(name, columns.index(name)) for name in wanted]
    with _open_text(path) as file:
        reader = csv.reader(_bounded_lines(file), delimiter=delimiter)
        next(reader)
        while True:
            # A quoted field may span lines: the row is named by the line on which it starts.
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, InvalidEvent("not_csv", str(error))
                continue
            if len(row) == len(columns):
                yield line, {name: text for name, at in positions if (text := row[at])}
            elif row:
                yield line, InvalidEvent("wrong_columns", f"{len(row)} fields; the header has {len(columns)}")


def _json_lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    line_number = 0
    while line := file.readline(_MAX_LINE):
        line_number += 1
        yield line_number, line.removeprefix(_UTF8_MARK) if line_number == 1 else line
        while len(line) == _MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(_MAX_LINE)


def json_columns(path: Path) -> list[str]:
    """Return the keys that the first lines use."""
    columns: dict[str, None] = {}
    with _open_binary(path) as file:
        for number, line in _json_lines(file):
            row = _json_object(line)
            if not isinstance(row, InvalidEvent):
                columns.update(dict.fromkeys(row))
            if number >= _N_LINES_PEEKED:
                break
    if not columns:
        raise InvalidDataset(f"{path}: the first lines hold no JSON object with an event")
    return list(columns)


def _json_object(line: bytes) -> RawRow:
    try:
        row = decoded(msgspec.json.decode, line)
    except Damaged as error:
        return InvalidEvent("not_json", str(error))
    if not isinstance(row, dict):
        return InvalidEvent("does_not_fit", "wanted a JSON object")
    return row


def json_rows(path: Path, wanted: Sequence[str]) -> Iterator[NumberedRow]:
    """Yield objects of JSON Lines without their nulls; blank lines are skipped."""
    with _open_binary(path) as file:
        for number, line in _json_lines(file):
            if not line.strip():
                continue
            row = _json_object(line)
            if isinstance(row, InvalidEvent):
                yield number, row
            else:
                yield number, {name: row[name] for name in wanted if row.get(name) is not None}
