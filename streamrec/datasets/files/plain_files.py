"""Bytes and text of a file: what is packed is unpacked, the encoding told by its first bytes."""

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

from streamrec.errors import InvalidDataset

MAX_LINE = 1_000_000
"""Characters; a longer line is left out unread: one line never fills the memory."""

_N_BYTES_PEEKED = 4096

_UNPACKERS: dict[bytes, Callable[[Path, str], object]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}

_FOREIGN = {
    b"PK\x03\x04": "a zip archive or a workbook: unpack it, or save the sheet as CSV",
    b"PK\x05\x06": "an empty zip archive",
    b"\xd0\xcf\x11\xe0": "a workbook: save the sheet as CSV",
    b"PAR1": "a Parquet file: give it a name that ends in .parquet",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: unpack it, or use gzip",
    b"\x04\x22\x4d\x18": "compressed with lz4: unpack it, or use gzip",
    b"\xff\x06\x00\x00sNaPpY": "compressed with snappy: unpack it, or use gzip",
    b"7z\xbc\xaf": "a 7-zip archive: unpack it",
    b"Rar!": "a rar archive: unpack it",
    b"ORC": "an ORC file: export it as Parquet or CSV",
    b"Obj\x01": "an Avro file: export it as Parquet or CSV",
    b"ARROW1": "an Arrow file: export it as Parquet or CSV",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"%PDF": "a PDF",
    b"<!DOCTYPE": "an HTML page: was the download refused?",
    b"<!doctype": "an HTML page: was the download refused?",
    b"<html": "an HTML page: was the download refused?",
    b"<?xml": "XML: export it as CSV or JSON Lines",
}

# UTF-32 begins as UTF-16 does: the longer mark is looked for first.
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """Open a file of text, unpacked; yield it with the name of its encoding.

    Raises
    ------
    InvalidDataset
        When it is no text; the message says what it is.
    """
    with path.open("rb") as raw:
        start = raw.read(16)
    unpack = next((unpack for magic, unpack in _UNPACKERS.items() if start.startswith(magic)), None)
    with cast("IO[bytes]", unpack(path, "rb")) if unpack else path.open("rb") as file:
        start = file.read(_N_BYTES_PEEKED)
        file.seek(0)
        yield file, _encoding_of(path, start)


@contextmanager
def open_text(path: Path) -> Iterator[TextIOWrapper]:
    """Open a file of text for reading by lines, which keep their ends: LF, CR or CRLF.

    Raises
    ------
    InvalidDataset
        When it is no text.
    """
    with open_bytes(path) as (file, encoding):
        # Bytes that are not UTF-8 become surrogates, which no id may hold: only their row is lost.
        errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
        with TextIOWrapper(file, encoding, errors=errors, newline="") as text:
            yield text


def _encoding_of(path: Path, start: bytes) -> str:
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise InvalidDataset(f"{path} is {what}")
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if b"\0" not in start:
        return "utf-8"
    # Every other byte of Western text in UTF-16 is zero.
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, letters = start[first::2], start[1 - first :: 2]
        if zeros.count(0) > 0.7 * len(zeros) and not letters.count(0):
            return encoding
    raise InvalidDataset(f"{path} is no text: it holds zero bytes")
