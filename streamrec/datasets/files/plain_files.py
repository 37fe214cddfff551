"""Bytes and text of a file: what is packed is unpacked, the encoding told by its first bytes."""

import bz2
import gzip
import io
import lzma
import zipfile
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


def _open_zip(path: Path, _mode: str) -> object:
    """Open the one file of an archive."""
    if path.suffix.lower() in _WORKBOOKS:
        raise InvalidDataset(f"{path} is a workbook: save the sheet as CSV")
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InvalidDataset(f"{path} is a zip archive or a workbook, and damaged: {error}") from error
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    if _IN_WORKBOOKS & set(names) or any(name.startswith("Index/") for name in names):
        raise InvalidDataset(f"{path} is a workbook: save the sheet as CSV")
    names = [name for name in names if not name.startswith(("__MACOSX/", ".")) and "/." not in name]
    if len(names) != 1:
        shown = ", ".join(names[:5]) + ", ..." * (len(names) > 5)
        raise InvalidDataset(
            f"{path} is a zip archive of {len(names)} files ({shown}): unpack it, and name one"
        )
    try:
        return archive.open(names[0])
    except (RuntimeError, NotImplementedError) as error:  # behind a password, or packed in an odd way
        raise InvalidDataset(f"{path} can't be unpacked: {error}") from error


_UNPACKERS: dict[bytes, Callable[[Path, str], object]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": _open_zstd,
    b"PK\x03\x04": _open_zip,
}

_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".ods", ".numbers")
_IN_WORKBOOKS = {"[Content_Types].xml", "content.xml", "index.xml"}
_FOREIGN = {
    b"PK\x03\x04": "a zip archive: unpack it",
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
    b"\x89HDF": "an HDF5 file: export it as Parquet or CSV",
    b"\x93NUMPY": "an array of NumPy: export it as Parquet or CSV",
    b"\x80\x04\x95": "a pickle: export it as Parquet or CSV",
    b"\x80\x05\x95": "a pickle: export it as Parquet or CSV",
    b"X\n\0\0\0": "an R object: export it as Parquet or CSV",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"version https://git-lfs": "a pointer of Git LFS: `git lfs pull` fetches the file",
    b"-- MySQL dump": "a dump of a database: export the table as CSV",
    b"--\n-- PostgreSQL": "a dump of a database: export the table as CSV",
    b"INSERT INTO": "a dump of a database: export the table as CSV",
    b"@relation": "an ARFF file: export it as CSV",
    b"@RELATION": "an ARFF file: export it as CSV",
    b"%%MatrixMarket": "a matrix without times: wanted a row an event",
}
_TAR = slice(257, 262)

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
        if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(magic):
            raise InvalidDataset(f"{path} is {what}")
    if start[_TAR] == b"ustar":
        raise InvalidDataset(f"{path} is a tar archive: unpack it")
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
