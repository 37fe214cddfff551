"""A data set in one file, or in a folder of parts as clusters write them."""

import hashlib
from pathlib import Path

from streamrec.datasets.files.row_source import FileFormat, RowSource, format_of
from streamrec.errors import InvalidDataset

_READ_BYTES = 1 << 20
_UNREAD = ("_", ".")  # _SUCCESS, _metadata, checksums: what begins so is none of the data


def parts_of(path: Path) -> list[Path]:
    """Return the files of a data set: the file itself, or those of a folder in order of their names.

    Files whose names begin with ``_`` or a dot, and empty ones, are none of its parts.

    Raises
    ------
    InvalidDataset
        When a folder has no parts, parts of several kinds, or folders in it.
    """
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
    kinds = {format_of(part) for part in parts}
    if len(kinds) > 1:
        raise InvalidDataset(f"{path} is a folder of several kinds of files: {', '.join(sorted(kinds))}")
    return parts


def sources_of(
    path: Path, format_: FileFormat | None = None, delimiter: str | None = None
) -> list[RowSource]:
    """Return what the parts of a data set are read with.

    Raises
    ------
    InvalidDataset
        As `parts_of`.
    """
    return [RowSource(part, format_, delimiter) for part in parts_of(path)]


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
