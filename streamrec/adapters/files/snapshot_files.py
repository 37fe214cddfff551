"""The files of one snapshot: how they are written, and what is checked when they are read."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.durable_files import sha256_of, written
from streamrec.errors import CorruptArtifact, Damaged
from streamrec.payload import decoded
from streamrec.ports import Offsets, Snapshot, VectorTable

FORMAT_VERSION = 1

_SIMILARITY = "user_likeness.npy"

_FILES = ("item_embeddings.npy", "item_ids.json", "user_embeddings.npy", "user_ids.json")


class Manifest(msgspec.Struct, frozen=True):
    """Description of a snapshot.

    Attributes
    ----------
    dimension
        Length of a vector: D + 1, the bias included.
    next_offsets
        Where a reader of the changelog goes on from.
    created_at
        Unix seconds.
    provenance
        Data and code version, settings: whatever tells where the vectors come from.
    sha256
        Hexadecimal digest of each file.
    """

    format_version: int
    generation: str
    dimension: int
    n_items: int
    n_users: int
    next_offsets: Offsets
    created_at: float
    provenance: dict[str, Any]
    sha256: dict[str, str]


_decode_manifest = msgspec.json.Decoder(Manifest).decode
_decode_ids = msgspec.json.Decoder(list[str]).decode


def decode_manifest(payload: bytes) -> Manifest:
    """Read what a snapshot says of itself.

    Raises
    ------
    Damaged
        When it does not say so, or says what can't be.
    """
    manifest = decoded(_decode_manifest, payload)
    offsets = [offset for partitions in manifest.next_offsets.values() for offset in partitions.values()]
    if manifest.dimension < 1 or min(manifest.n_items, manifest.n_users, *offsets) < 0:
        raise Damaged("a number is negative that can't be")
    return manifest


def write_table(directory: Path, role: str, table: VectorTable) -> None:
    """Write a role's vectors and ids, durably."""
    _write_array(directory / f"{role}_embeddings.npy", table.vectors)
    with written(directory / f"{role}_ids.json") as file:
        file.write(msgspec.json.encode(list(table.ids)))


def write_similarity(directory: Path, vectors: NDArray[np.float32]) -> None:
    """Write the vectors that similar users are found by, durably."""
    _write_array(directory / _SIMILARITY, vectors)


def _write_array(path: Path, vectors: NDArray[np.float32]) -> None:
    with written(path) as file:
        np.save(file, vectors, allow_pickle=False)


def describe(snapshot: Snapshot, directory: Path) -> Manifest:
    """Return the manifest of a snapshot whose files stand in `directory`."""
    return Manifest(
        format_version=FORMAT_VERSION,
        generation=snapshot.generation,
        dimension=snapshot.items.vectors.shape[1],
        n_items=len(snapshot.items.ids),
        n_users=len(snapshot.users.ids),
        next_offsets=snapshot.next_offsets,
        created_at=snapshot.created_at,
        provenance=dict(snapshot.provenance),
        sha256={name: sha256_of(directory / name) for name in _files_of(snapshot)},
    )


def check_digests(directory: Path, manifest: Manifest) -> None:
    """Compare every file with the manifest.

    Raises
    ------
    CorruptArtifact
        When one differs.
    OSError
        When one is missing.
    """
    for name in {*_FILES, *manifest.sha256}:
        if sha256_of(directory / name) != manifest.sha256.get(name):
            raise CorruptArtifact(f"{directory / name}: differs from the checksum in the manifest")


def read_table(directory: Path, role: str, shape: tuple[int, int]) -> VectorTable:
    """Read a role's ids, and map its vectors, which must have this shape.

    Raises
    ------
    CorruptArtifact, Damaged, OSError, ValueError
        When the files do not hold that.
    """
    ids = decoded(_decode_ids, (directory / f"{role}_ids.json").read_bytes())
    path = directory / f"{role}_embeddings.npy"
    if len(ids) != shape[0] or len(set(ids)) < len(ids):
        raise CorruptArtifact(f"{path}: {len(ids)} ids, {len(set(ids))} distinct; the manifest says {shape}")
    return VectorTable(ids, _read_array(path, shape))


def read_similarity(directory: Path, manifest: Manifest) -> NDArray[np.float32] | None:
    """Map the vectors that similar users are found by; None where the snapshot was written without it.

    Raises
    ------
    CorruptArtifact, OSError, ValueError
        As `read_table`.
    """
    if _SIMILARITY not in manifest.sha256:
        return None
    return _read_array(directory / _SIMILARITY, (manifest.n_users, manifest.dimension))


def _read_array(path: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    # An empty file of vectors can't be mapped; it has nothing to map either.
    vectors: NDArray[np.float32] = np.load(path, mmap_mode="r" if shape[0] else None, allow_pickle=False)
    if vectors.dtype != np.float32 or vectors.shape != shape:
        raise CorruptArtifact(f"{path}: {vectors.dtype} {vectors.shape}; the manifest says {shape}")
    return vectors


def _files_of(snapshot: Snapshot) -> tuple[str, ...]:
    return _FILES if snapshot.similarity_vectors is None else (*_FILES, _SIMILARITY)
