"""Rows of JSON Lines, one at a time, whatever is wrong with some of them."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from streamrec.datasets.files.delimited.records import NumberedRow
from streamrec.datasets.files.plain_files import MAX_LINE, open_bytes, open_text
from streamrec.errors import Damaged, InvalidDataset, InvalidEvent
from streamrec.payload import decoded, refuse_double_keys

_UTF8_MARK = b"\xef\xbb\xbf"
_N_LINES_PEEKED = 1000  # JSON Lines has no header; its columns are the keys of the first lines


@contextmanager
def _open_lines(path: Path, encoding: str | None) -> Iterator[Iterator[tuple[int, bytes]]]:
    """Yield (number, line); lines may end in LF, CR or CRLF, and be of any encoding that a mark tells."""
    with open_bytes(path, encoding) as (file, found):
        start = file.read(MAX_LINE)
    if found.lower().startswith("utf-8") and (b"\n" in start or b"\r" not in start.strip()):
        with open_bytes(path, encoding) as (file, _):
            yield _lines(file)
        return
    with open_text(path, encoding) as text:
        lines = iter(lambda: text.readline(MAX_LINE), "")
        yield ((number, line.encode(errors="surrogateescape")) for number, line in enumerate(lines, 1))


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        yield number, line.removeprefix(_UTF8_MARK) if number == 1 else line
        while len(line) == MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE)


def json_columns(path: Path, encoding: str | None = None) -> list[str]:
    """Return the keys that the first lines use.

    Raises
    ------
    InvalidDataset
        When they hold no object; the message says what they look like.
    """
    columns: dict[str, None] = {}
    start = b""
    with _open_lines(path, encoding) as lines:
        for number, line in lines:
            start = start or line.strip()
            row = _json_object(line)
            if not isinstance(row, InvalidEvent):
                columns.update(dict.fromkeys(row))
            if number >= _N_LINES_PEEKED:
                break
    if not columns:
        raise InvalidDataset(f"{path}: the first lines hold no JSON object with an event{_why(start)}")
    return list(columns)


def _why(start: bytes) -> str:
    if start.startswith(b"["):
        return "; it is a JSON array: wanted an object a line, as `jq -c '.[]' FILE` writes them"
    if start.startswith(b"{"):
        return "; an object goes over several lines: wanted one a line, as `jq -c . FILE` writes them"
    return ""


def _json_object(line: bytes) -> dict[str, Any] | InvalidEvent:
    if len(line) >= MAX_LINE and not line.endswith(b"\n"):
        return InvalidEvent("line_too_long", f"the line has more than {len(line):,} bytes")
    try:
        row = decoded(msgspec.json.decode, line)
    except Damaged as error:
        return InvalidEvent("not_json", str(error))
    if not isinstance(row, dict):
        return InvalidEvent("does_not_fit", "wanted a JSON object")
    return row


def json_rows(
    path: Path, wanted: Mapping[str, str] | None, single: Collection[str], encoding: str | None = None
) -> Iterator[NumberedRow]:
    """Yield objects without their nulls; blank lines are skipped.

    Parameters
    ----------
    wanted
        Name in a row -> key, for those of another name; None: all keys. Other keys may be in a row too.
    single
        Keys that must not stand twice in an object: which one is meant can't be known.
    """
    # Keys that nobody asked for do no harm: only other names make another object necessary.
    is_renamed = wanted is not None and any(name != key for name, key in wanted.items())
    names = list(wanted.items()) if wanted is not None and is_renamed else None
    with _open_lines(path, encoding) as lines:
        for number, line in lines:
            if not line.strip():
                continue
            row = _json_object(line)
            # Each key is one `":`: where there are more of them, a closer look is worth its time.
            if not isinstance(row, InvalidEvent) and (
                line.count(b'":') != len(row) or b'" :' in line or b"\\u" in line
            ):
                row = _with_single_keys(row, line, single)
            yield number, 1, row if isinstance(row, InvalidEvent) else _without_nulls(row, names)


def _without_nulls(row: Mapping[str, Any], names: list[tuple[str, str]] | None) -> Mapping[str, Any]:
    if names is None:
        if None not in row.values():
            return row
        return {key: value for key, value in row.items() if value is not None}
    return {name: value for name, key in names if (value := row.get(key)) is not None}


def _with_single_keys(
    row: dict[str, Any], line: bytes, single: Collection[str]
) -> dict[str, Any] | InvalidEvent:
    try:
        refuse_double_keys(line, single)
    except InvalidEvent as error:
        return error
    return row
