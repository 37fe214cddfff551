"""Manifest of a step's output: what it was made of, by which settings and code, and what came out."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from lab.configuration.lab_settings import LabSettings
from lab.configuration.reading import value_of
from streamrec.durable_files import sha256_of
from streamrec.errors import CorruptArtifact, InvalidInput

FORMAT_VERSION = 1
FILE = "manifest.json"


class FileEntry(msgspec.Struct, frozen=True):
    """A file of an output."""

    n_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """Contents of a `manifest.json`.

    Attributes
    ----------
    step
        Name of the step that made the folder.
    data_hash
        SHA-256 (hex) over names and contents of all files but the manifest.
    settings_hash
        The same over the values of the step's settings.
    settings
        Values of the sections that the step reads, by dotted name.
    inputs
        Data hash of every output that this one stands on, directly or through another, by name.
    code_version
        Version of the product.
    made_at
        Unix seconds.
    duration_s, peak_bytes
        Cost of the step; the peak counts what the process held before as well, and no processes of its own.
    metrics, findings
        See `Outcome`.
    files
        By path below the folder.
    """

    format_version: int
    step: str
    data_hash: str
    settings_hash: str
    settings: dict[str, Any]
    inputs: dict[str, str]
    code_version: str
    made_at: float
    duration_s: float
    peak_bytes: int
    metrics: dict[str, Any]
    findings: list[str]
    files: dict[str, FileEntry]


def settings_of(settings: LabSettings, sections: Iterable[str]) -> dict[str, Any]:
    """Return the values of sections as JSON has them, by dotted name.

    >>> settings_of(LabSettings(), ["split"])
    {'split': {'validation': 0.1, 'test': 0.1}}
    """
    return {name: msgspec.to_builtins(value_of(settings, name)) for name in sections}


def settings_hash(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of settings, whatever the order of their keys."""
    return hashlib.sha256(msgspec.json.encode(values, order="deterministic")).hexdigest()


def files_in(folder: Path) -> dict[str, FileEntry]:
    """Return the files below a folder, without the manifest, in order of their names."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / FILE)
    return {
        path.relative_to(folder).as_posix(): FileEntry(path.stat().st_size, sha256_of(path)) for path in paths
    }


def data_hash(files: Mapping[str, FileEntry]) -> str:
    """Return one hash for all files."""
    told = "\n".join(f"{name} {entry.sha256}" for name, entry in sorted(files.items()))
    return hashlib.sha256(told.encode()).hexdigest()


def read_manifest(folder: Path, command: str) -> Manifest:
    """Read the manifest of an output, and look whether its files are there in full length.

    Parameters
    ----------
    command
        Makes the output; errors name it.

    Raises
    ------
    InvalidInput
        When the output is not there.
    CorruptArtifact
        When the manifest or a file is missing, torn or of another format.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not there; make it with: {command}")
    try:
        manifest = msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptArtifact(f"{folder / FILE} can't be read: {error}; {_anew(command)}") from error
    if manifest.format_version != FORMAT_VERSION:
        raise CorruptArtifact(
            f"{folder} is of format {manifest.format_version}, not {FORMAT_VERSION}; {_anew(command)}"
        )
    for name, entry in manifest.files.items():
        path = folder / name
        n_bytes = path.stat().st_size if path.is_file() else 0
        if n_bytes != entry.n_bytes:
            told = f"has {n_bytes:,} of {entry.n_bytes:,} bytes" if path.is_file() else "is missing"
            raise CorruptArtifact(f"{path} {told}; {_anew(command)}")
    return manifest


def _anew(command: str) -> str:
    return f"make it anew with: {command} --again"
