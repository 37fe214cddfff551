"""A data set in one file, or in a folder of parts as clusters write them."""

import hashlib
from pathlib import Path

from streamrec.datasets.files.reading import Reading
from streamrec.datasets.files.row_source import RowSource
from streamrec.errors import InvalidDataset

_READ_BYTES = 1 << 20
_UNREAD = ("_", ".")  # _SUCCESS, _metadata, checksums: what begins so is none of the data


def parts_of(path: Path) -> list[Path]:
    """Return the files of a data set: the file itself, or those of a folder in order of their names.

    Files whose names begin with ``_`` or a dot, and empty ones, are none of its parts.

    Raises
    ------
    InvalidDataset
        When a folder has no parts, or folders in it.
    """
    if path.is_fifo():
        raise InvalidDataset(f"{path} is a pipe, which can be read but once: save it to a file")
    if not path.is_dir():
        return [path]
    try:
        entries = sorted(path.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise InvalidDataset(f"{path} can't be read: {error}") from error
    if any(entry.name == "_delta_log" for entry in entries):
        raise InvalidDataset(f"{path} is a Delta table, which keeps deleted rows too: export it first")
    parts = [entry for entry in entries if not entry.name.startswith(_UNREAD)]
    folders = [entry.name for entry in parts if entry.is_dir()]
    if folders:
        raise InvalidDataset(f"{path} holds folders ({', '.join(folders[:5])}): name one of them")
    parts = [part for part in parts if part.stat().st_size]
    if not parts:
        raise InvalidDataset(f"{path} is a folder without a part: wanted files such as part-0.parquet")
    return parts


def sources_of(path: Path, reading: Reading) -> list[RowSource]:
    """Return what the parts of a data set are read with.

    Raises
    ------
    InvalidDataset
        As `parts_of`, and when they are of several kinds.
    """
    sources = [RowSource(part, reading) for part in parts_of(path)]
    kinds = {source.kind for source in sources}
    if len(kinds) > 1:
        raise InvalidDataset(f"{path} is a folder of several kinds of files: {', '.join(sorted(kinds))}")
    return sources


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, or of those of a folder's parts with their names, in hex."""
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for part in parts_of(path):
        digest.update(f"{part.name}\0{part.stat().st_size}\0".encode(errors="surrogateescape"))
        with part.open("rb") as file:
            while block := file.read(_READ_BYTES):
                digest.update(block)
    return digest.hexdigest()
