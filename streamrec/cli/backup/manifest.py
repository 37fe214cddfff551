"""Manifest of a backup: what it holds, and the checksum of each file. It is written last."""

from pathlib import Path

import msgspec

from streamrec.durable_files import replace_bytes, sha256_of
from streamrec.errors import CorruptArtifact, Damaged
from streamrec.payload import decoded
from streamrec.ports import Offsets

FORMAT_VERSION = 1

MANIFEST = "backup.json"


class FileCheck(msgspec.Struct, frozen=True):
    """Length and SHA-256 (hexadecimal) of a file."""

    n_bytes: int
    sha256: str


class PartCopy(msgspec.Struct, frozen=True):
    """Copy of one place.

    Attributes
    ----------
    kind
        Adapter that made it, and can read it.
    counts
        Entries by table, collection or topic.
    """

    kind: str
    counts: dict[str, int]


class BackupManifest(msgspec.Struct, frozen=True):
    """Contents of a backup.

    Attributes
    ----------
    version
        Of streamrec.
    created_at
        Unix seconds.
    generation
        The live one; None: nothing was trained yet.
    log
        Identity of the log of the events.
    read_before
        Where the events ended before the store was copied: erasures behind it are carried out once more.
    parts
        By name: ``events``, ``changelog``, ``store``, ``cache``.
    files
        By path in the backup.
    """

    format_version: int
    version: str
    created_at: float
    generation: str | None
    log: str
    read_before: Offsets
    parts: dict[str, PartCopy]
    files: dict[str, FileCheck]


_decode = msgspec.json.Decoder(BackupManifest, strict=False).decode


def checks_of(folder: Path) -> dict[str, FileCheck]:
    """Return length and checksum of every file in a folder but the manifest."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return {
        path.relative_to(folder).as_posix(): FileCheck(path.stat().st_size, sha256_of(path)) for path in paths
    }


def write_backup_manifest(folder: Path, manifest: BackupManifest) -> None:
    """Write the manifest, durably: from now on the backup is whole."""
    replace_bytes(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))


def decode_backup_manifest(payload: bytes) -> BackupManifest:
    """Read a manifest.

    Raises
    ------
    Damaged
        When it is none.
    """
    return decoded(_decode, payload)


def checked_manifest(folder: Path) -> BackupManifest:
    """Return the manifest of a backup, every file of which is as it was written.

    Raises
    ------
    CorruptArtifact
        When the backup was not finished, a file is missing, shorter or changed, or a newer version wrote it.
    """
    path = folder / MANIFEST
    try:
        manifest = decode_backup_manifest(path.read_bytes())
    except FileNotFoundError:
        raise CorruptArtifact(
            f"{folder} is no backup, or one that was not finished: {MANIFEST} is missing"
        ) from None
    except (Damaged, OSError) as error:
        raise CorruptArtifact(f"{path} can't be read: {error}; take another backup") from error
    if manifest.format_version != FORMAT_VERSION:
        raise CorruptArtifact(
            f"{path} is of format {manifest.format_version}, and this version reads {FORMAT_VERSION}: restore"
            f" it with streamrec {manifest.version}"
        )
    found = checks_of(folder)
    for name, check in manifest.files.items():
        if name not in found:
            raise CorruptArtifact(f"{folder / name} is missing; take another backup")
        if found[name] != check:
            raise CorruptArtifact(f"{folder / name} is not as it was written; take another backup")
    return manifest
