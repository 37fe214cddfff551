"""Snapshots of a generation as plain files, which other tools read as exports too.

::

    <artifacts_dir>/
    |-- CURRENT                    the name of the live generation (CHALLENGER, PROMOTION: snapshot_roles)
    `-- <generation>/              never changed once it is live
        |-- manifest.json          what it is, and the SHA-256 of the files below
        |-- item_embeddings.npy    (N, D + 1) float32: [q_i, b_i]
        |-- item_ids.json          N ids, in row order
        |-- user_embeddings.npy    (U, D + 1) float32: [p_u * h, 1]
        |-- user_likeness.npy      (U, D + 1) float32: to find similar users by; newer than the other files
        `-- user_ids.json          U ids, in row order
"""

import os
import re
import shutil
from pathlib import Path

import msgspec
import numpy as np

from streamrec.adapters.files.snapshot_files import (
    FORMAT_VERSION,
    Manifest,
    check_digests,
    decode_manifest,
    describe,
    read_similarity,
    read_table,
    write_similarity,
    write_table,
)
from streamrec.durable_files import replace_bytes, replace_folder, written
from streamrec.errors import CorruptArtifact, Damaged, InvalidInput, UnknownId
from streamrec.payload import FILE_DAMAGE
from streamrec.ports import Snapshot, VectorTable

MANIFEST = "manifest.json"

CURRENT = "CURRENT"

CHALLENGER = "CHALLENGER"

PROMOTION = "PROMOTION"

_OTHER_FILES = {CURRENT, CHALLENGER, PROMOTION}

_GENERATION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def write_snapshot(artifacts_dir: Path, snapshot: Snapshot) -> Manifest:
    """Write a snapshot; nobody sees it before it is whole and on disk. Does not make it current.

    One of the same name that is not current, left by an attempt that came to nothing, is replaced.

    Raises
    ------
    InvalidInput
        When the generation is the current one, its name is no plain file name, or ids and vectors do not fit.
    """
    target = _path_of(artifacts_dir, snapshot.generation)
    if current_generation(artifacts_dir) == snapshot.generation:
        raise InvalidInput(f"{target} is live: a snapshot is never changed, take a new generation")
    _check_tables(snapshot)
    artifacts_dir.mkdir(parents=True, exist_ok=True)
    temporary = artifacts_dir / f".{snapshot.generation}.{os.getpid()}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        for role, table in (("item", snapshot.items), ("user", snapshot.users)):
            write_table(temporary, role, table)
        if snapshot.similarity_vectors is not None:
            write_similarity(temporary, snapshot.similarity_vectors)
        manifest = describe(snapshot, temporary)
        with written(temporary / MANIFEST) as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        replace_folder(target, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return manifest


def read_manifest(artifacts_dir: Path, generation: str) -> Manifest:
    """Read what a snapshot says of itself.

    Raises
    ------
    UnknownId
        When there is no such generation.
    CorruptArtifact
        When the manifest can't be read, or is of a newer format.
    """
    path = _path_of(artifacts_dir, generation) / MANIFEST
    try:
        payload = path.read_bytes()
    except FileNotFoundError:
        raise UnknownId(f"no snapshot of generation {generation!r} in {artifacts_dir}") from None
    except OSError as error:
        raise CorruptArtifact(f"{path}: {error}") from error
    try:
        manifest = decode_manifest(payload)
    except Damaged as error:
        raise CorruptArtifact(f"{path}: {error}") from error
    if manifest.format_version != FORMAT_VERSION:
        raise CorruptArtifact(
            f"{path}: format {manifest.format_version}, not {FORMAT_VERSION}: another version of streamrec"
            " wrote it; go back to that version, or run initial_training.py again"
        )
    if manifest.generation != generation:
        raise CorruptArtifact(f"{path}: is of generation {manifest.generation!r}")
    return manifest


def read_snapshot(artifacts_dir: Path, generation: str) -> Snapshot:
    """Read and check a snapshot; its vectors stay on disk, mapped into memory, read only.

    Raises
    ------
    UnknownId
        When there is no such generation.
    CorruptArtifact
        When a file is missing, differs from its checksum, or does not hold what the manifest says.
    """
    manifest = read_manifest(artifacts_dir, generation)
    directory = artifacts_dir / generation
    try:
        check_digests(directory, manifest)
        items = read_table(directory, "item", (manifest.n_items, manifest.dimension))
        users = read_table(directory, "user", (manifest.n_users, manifest.dimension))
        similarity_vectors = read_similarity(directory, manifest)
    except (*FILE_DAMAGE, Damaged) as error:
        raise CorruptArtifact(f"{directory}: {error}") from error
    return Snapshot(
        generation,
        items=items,
        users=users,
        next_offsets=manifest.next_offsets,
        created_at=manifest.created_at,
        provenance=manifest.provenance,
        similarity_vectors=similarity_vectors,
    )


def list_generations(artifacts_dir: Path) -> list[str]:
    """Return the generations that have a snapshot, oldest first."""
    # A folder's name that starts with a dot is one still being written: it is no generation's name.
    found = [path.parent for path in artifacts_dir.glob(f"*/{MANIFEST}") if is_generation(path.parent.name)]
    return [path.name for path in sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))]


def current_generation(artifacts_dir: Path) -> str | None:
    """Return the live generation's name; None before the first.

    Raises
    ------
    CorruptArtifact
        When `CURRENT` holds something that can't be a generation's name.
    """
    return generation_in(artifacts_dir / CURRENT)


def generation_in(path: Path) -> str | None:
    """Return the generation that a file names; None when there is no such file.

    Raises
    ------
    CorruptArtifact
        When it holds something that can't be a generation's name.
    """
    try:
        name = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptArtifact(f"{path}: {error}") from error
    if not is_generation(name):
        raise CorruptArtifact(f"{path}: {name[:100]!r} is not a generation's name")
    return name


def set_current(artifacts_dir: Path, generation: str) -> None:
    """Make a generation the live one: readers see the old name or the new one, never half of it.

    Raises
    ------
    UnknownId, CorruptArtifact
        When the generation has no readable manifest; the old one stays live then.
    """
    read_manifest(artifacts_dir, generation)
    replace_bytes(artifacts_dir / CURRENT, f"{generation}\n".encode())


def is_generation(name: str) -> bool:
    """Return whether a name may be a generation's: those of the files beside the snapshots may not."""
    return name not in _OTHER_FILES and _GENERATION_NAME.fullmatch(name) is not None


def _path_of(artifacts_dir: Path, generation: str) -> Path:
    if not is_generation(generation):
        raise InvalidInput(
            f"{generation[:100]!r} can't name a generation: letters, digits and ._- are allowed"
        )
    return artifacts_dir / generation


def _check_tables(snapshot: Snapshot) -> None:
    tables = {"items": snapshot.items, "users": snapshot.users}
    if snapshot.similarity_vectors is not None:
        tables["similarity vectors of users"] = VectorTable(snapshot.users.ids, snapshot.similarity_vectors)
    for role, table in tables.items():
        _check_table(role, table)
    if len({table.vectors.shape[1] for table in tables.values()}) > 1:
        raise InvalidInput("vectors of items and of users must have the same dimension")


def _check_table(role: str, table: VectorTable) -> None:
    shape = table.vectors.shape
    if len(shape) != 2 or shape[0] != len(table.ids) or table.vectors.dtype != np.float32:
        raise InvalidInput(
            f"{role}: {len(table.ids)} ids need as many rows of float32, got {table.vectors.dtype} {shape}"
        )
