"""Rows of JSON, one object at a time, whatever is wrong with some of them."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec

from streamrec.datasets.files.delimited.records import NumberedRow
from streamrec.datasets.files.objects.paths import paths_in, value_at, without_wrapping
from streamrec.datasets.files.objects.texts import NumberedText, json_values
from streamrec.datasets.files.plain_files import MAX_LINE, first_bytes, open_bytes, open_text
from streamrec.errors import Damaged, InvalidDataset, InvalidEvent
from streamrec.payload import decoded, refuse_double_keys

_UTF8_MARK = b"\xef\xbb\xbf"
_N_PEEKED = 1000  # JSON has no header; its columns are the keys of the first objects
_N_LINES_PEEKED = 20  # of which one at least is an object by itself, if each line is to be one
_CHUNK = 1 << 16


def _texts(path: Path, encoding: str | None) -> Iterator[NumberedText]:
    """Yield the texts of objects: each line, or where no line is one what stands between brackets."""
    with _open_lines(path, encoding) as lines:
        are_lines = any(_is_object(line) for _, line in islice(lines, _N_LINES_PEEKED))
    if are_lines:
        with _open_lines(path, encoding) as lines:
            yield from ((number, 1, line) for number, line in lines if line.strip())
    else:
        yield from json_values(_chunks(path, encoding))


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


def _chunks(path: Path, encoding: str | None) -> Iterator[bytes]:
    with open_text(path, encoding) as text:
        while chunk := text.read(_CHUNK):
            yield chunk.encode(errors="surrogateescape")


def json_columns(path: Path, encoding: str | None = None) -> list[str]:
    """Return the keys that the first objects use, with the paths of what is within objects.

    Raises
    ------
    InvalidDataset
        When there is no object, or one that holds all rows; the message says what it looks like.
    """
    columns: dict[str, None] = {}
    rows = list[dict[str, Any]]()
    for _, _, text in islice(_texts(path, encoding), _N_PEEKED):
        row = _json_object(text)
        if not isinstance(row, InvalidEvent):
            rows.append(row)
            columns.update(dict.fromkeys(paths_in(row)))
    if len(rows) == 1 and (words := _words_on_one(rows[0])) is not None:
        raise InvalidDataset(f"{path} is one JSON object{words}")
    if not columns:
        raise InvalidDataset(f"{path}: the first lines hold no JSON object with an event{_why(path)}")
    return list(columns)


def _words_on_one(row: Mapping[str, Any]) -> str | None:
    """Return what a file of one object looks like that holds the rows; None: a row."""
    for name, value in row.items():
        if isinstance(value, list) and len(value) > 1 and all(isinstance(one, dict) for one in value):
            return f", with rows in {name[:80]!r}: `jq -c '.{name[:80]}[]' FILE` writes each as one"
    if len(row) > 1 and all(isinstance(value, dict) and len(value) > 1 for value in row.values()):
        return ", a column each key: wanted a row each (pandas: orient='records', lines=True)"
    return None


def _why(path: Path) -> str:
    start = first_bytes(path, _CHUNK).removeprefix(_UTF8_MARK).strip()
    if start.startswith((b"{'", b"{u'")):
        return "; they are written as Python does it, and not as JSON: names and texts want double quotes"
    if start.startswith((b"{", b"[")):
        return "; what begins there is no JSON, or larger than 1,000,000 bytes"
    if b"," in start or b"\t" in start or b";" in start:
        return f"; it looks like CSV: give the file a name that ends in .csv instead of {path.suffix}"
    return ""


def _is_object(line: bytes) -> bool:
    return not isinstance(_json_object(line), InvalidEvent)


def _json_object(text: bytes | InvalidEvent) -> dict[str, Any] | InvalidEvent:
    if isinstance(text, InvalidEvent):
        return text
    if len(text) >= MAX_LINE and not text.endswith(b"\n"):
        return InvalidEvent("line_too_long", f"the line has more than {len(text):,} bytes")
    try:
        row = decoded(msgspec.json.decode, text)
    except Damaged as error:
        row = _with_nan(text)
        if row is None:
            return InvalidEvent("not_json", str(error))
    if not isinstance(row, dict):
        return InvalidEvent("does_not_fit", "wanted a JSON object")
    return without_wrapping(row) if b'"$' in text else row


def _with_nan(text: bytes) -> Any | None:  # noqa: ANN401 - any value of JSON
    """Read what Python writes for numbers that are none, and JSON does not have."""
    if b"NaN" not in text and b"Infinity" not in text:
        return None
    try:
        return json.loads(text, parse_constant=lambda name: None if name == "NaN" else float(name))
    except (ValueError, RecursionError):
        return None


def json_rows(
    path: Path, wanted: Mapping[str, str] | None, single: Collection[str], encoding: str | None = None
) -> Iterator[NumberedRow]:
    """Yield objects without their nulls.

    Parameters
    ----------
    wanted
        Name in a row -> key or path, for those of another name; None: all keys. A row may have others too.
    single
        Keys that must not stand twice in an object: which one is meant can't be known.
    """
    # Keys that nobody asked for do no harm: only other names make another object necessary.
    is_renamed = wanted is not None and any(name != key for name, key in wanted.items())
    names = list(wanted.items()) if wanted is not None and is_renamed else None
    for number, n_lines, text in _texts(path, encoding):
        row = _json_object(text)
        # Each key is one `":`: where there are more of them, a closer look is worth its time.
        if isinstance(text, bytes) and not isinstance(row, InvalidEvent) and _has_more_keys(text, row):
            row = _with_single_keys(row, text, single)
        yield number, n_lines, row if isinstance(row, InvalidEvent) else _without_nulls(row, names)


def _has_more_keys(text: bytes, row: Mapping[str, Any]) -> bool:
    return text.count(b'":') != len(row) or b'" :' in text or b"\\u" in text


def _without_nulls(row: Mapping[str, Any], names: list[tuple[str, str]] | None) -> Mapping[str, Any]:
    if names is None:
        if None not in row.values():
            return row
        return {key: value for key, value in row.items() if value is not None}
    return {name: value for name, key in names if (value := value_at(row, key)) is not None}


def _with_single_keys(
    row: dict[str, Any], text: bytes, single: Collection[str]
) -> dict[str, Any] | InvalidEvent:
    try:
        refuse_double_keys(text, single)
    except InvalidEvent as error:
        return error
    return row
