"""Bytes and text of a file: what is packed is unpacked, the encoding told by its first bytes."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

import pyarrow

from streamrec.errors import InvalidDataset

MAX_LINE = 1_000_000
"""Characters; a longer line is left out unread: one line never fills the memory."""

_N_BYTES_PEEKED = 4096


def _open_zstd(path: Path, _mode: str) -> object:
    # Of the libraries that are here, the one that tells when the end is missing.
    return io.BufferedReader(pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd"))


_UNPACKERS: dict[bytes, Callable[[Path, str], object]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": _open_zstd,
}

_FOREIGN = {
    b"PK\x03\x04": "a zip archive or a workbook: unpack it, or save the sheet as CSV",
    b"PK\x05\x06": "an empty zip archive",
    b"\xd0\xcf\x11\xe0": "a workbook: save the sheet as CSV",
    b"PAR1": "a Parquet file: give it a name that ends in .parquet",
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
def open_bytes(path: Path, encoding: str | None = None) -> Iterator[tuple[IO[bytes], str]]:
    """Open a file of text, unpacked; yield it with the name of its encoding.

    Parameters
    ----------
    encoding
        What it is in, unless a byte order mark says something else; None: what the first bytes tell.

    Raises
    ------
    InvalidDataset
        When it is no text; the message says what it is.
    """
    found = _encoding_of(path, first_bytes(path, _N_BYTES_PEEKED), encoding)
    with _unpacked(path) as file:
        yield file, found


def first_bytes(path: Path, n_bytes: int) -> bytes:
    """Return the beginning of a file, unpacked."""
    with _unpacked(path) as file:
        return file.read(n_bytes)


def _unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as raw:
        start = raw.read(16)
    unpack = next((unpack for magic, unpack in _UNPACKERS.items() if start.startswith(magic)), None)
    return cast("IO[bytes]", unpack(path, "rb")) if unpack else path.open("rb")


@contextmanager
def open_text(path: Path, encoding: str | None = None) -> Iterator[TextIOWrapper]:
    """Open a file of text for reading by lines, which keep their ends: LF, CR or CRLF.

    Parameters
    ----------
    encoding
        As in `open_bytes`.

    Raises
    ------
    InvalidDataset
        When it is no text.
    """
    with open_bytes(path, encoding) as (file, found):
        # Bytes that are not of the encoding become surrogates, which no id may hold: only their row is lost.
        errors = "replace" if found.lower().startswith(("utf-16", "utf-32")) else "surrogateescape"
        with TextIOWrapper(file, found, errors=errors, newline="") as text:
            yield text


def _encoding_of(path: Path, start: bytes, told: str | None) -> str:
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise InvalidDataset(f"{path} is {what}")
    marked = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
    if marked is not None:
        return marked
    if told is not None or b"\0" not in start:
        return told or "utf-8"
    # Every other byte of Western text in UTF-16 is zero.
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, letters = start[first::2], start[1 - first :: 2]
        if zeros.count(0) > 0.7 * len(zeros) and not letters.count(0):
            return encoding
    raise InvalidDataset(f"{path} is no text: it holds zero bytes")
