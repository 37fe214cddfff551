"""Fitted models as files: an .npz that other tools read too, with a manifest and lists of ids in JSON inside.

::

    model.npz
    |-- manifest.json       format version, kind of model, options, names of what is below
    |-- <name>.ids.json     ids in row order
    `-- <name>.npy          arrays

Nothing in it is pickled, so that reading a file runs none of its contents. The zip's checksums tell a torn
file; one rename puts a file in place, so that readers see the old one or the new one.
"""

import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from lab.models.batch_model import BatchModel
from lab.models.blended_sources import SOURCE_MODELS, BlendedSources
from lab.models.contents import Contents
from lab.models.item_neighbours import ItemNeighbours
from lab.scoring.scoring_models import SCORING_MODELS, scoring_model
from streamrec.durable_files import replaced
from streamrec.errors import CorruptArtifact, InvalidInput, Unavailable
from streamrec.payload import FILE_DAMAGE

FORMAT_VERSION = 1

MODELS: dict[str, type[BatchModel]] = {
    ItemNeighbours.kind: ItemNeighbours,
    BlendedSources.kind: BlendedSources,
    **SOURCE_MODELS,
}
"""By kind; of those that score every item, `scoring_model` knows the classes."""

_MANIFEST = "manifest.json"


class Manifest(msgspec.Struct, frozen=True):
    """Contents of a file: the format, the kind of model, its options, names of lists of ids and of arrays."""

    format_version: int
    kind: str
    options: Any
    ids: list[str]
    arrays: list[str]


def save_model(model: BatchModel, path: Path) -> None:
    """Write a model durably, in place of what stands at `path`. Equal models give equal files.

    Raises
    ------
    Unavailable
        When it can't be written; what stands there is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as file, zipfile.ZipFile(file, "w") as archive:
            _write(archive, model.kind, model.contents())
    except OSError as error:
        raise Unavailable(f"can't write {path}: {error}") from error


def load_model(path: Path) -> BatchModel:
    """Read a model.

    Raises
    ------
    InvalidInput
        When there is no such file, or it may not be read.
    CorruptArtifact
        When it is torn, of another format, or does not hold together.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _read_manifest(archive)
            contents = _read(archive, manifest)
        return (MODELS.get(manifest.kind) or scoring_model(manifest.kind)).restored(contents)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise InvalidInput(f"there is no model at {path}: {error.strerror}") from error
    except CorruptArtifact as error:
        raise CorruptArtifact(f"{path}: {error}; fit the model again") from error
    except FILE_DAMAGE as error:
        raise CorruptArtifact(f"{path} can't be read: {error}; fit the model again") from error


def _write(archive: zipfile.ZipFile, kind: str, contents: Contents) -> None:
    # A `ZipInfo` of a name alone has a fixed date.
    manifest = Manifest(FORMAT_VERSION, kind, contents.options, sorted(contents.ids), sorted(contents.arrays))
    archive.writestr(zipfile.ZipInfo(_MANIFEST), msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    for name in manifest.ids:
        archive.writestr(zipfile.ZipInfo(f"{name}.ids.json"), msgspec.json.encode(contents.ids[name]))
    for name in manifest.arrays:
        with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.ascontiguousarray(contents.arrays[name]), allow_pickle=False)


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    manifest = msgspec.json.decode(archive.read(_MANIFEST), type=Manifest)
    if manifest.format_version != FORMAT_VERSION:
        raise CorruptArtifact(f"format {manifest.format_version}; this version reads format {FORMAT_VERSION}")
    if manifest.kind not in {*MODELS, *SCORING_MODELS}:
        raise CorruptArtifact(f"no model of kind {manifest.kind!r}")
    return manifest


def _read(archive: zipfile.ZipFile, manifest: Manifest) -> Contents:
    ids = {
        name: msgspec.json.decode(archive.read(f"{name}.ids.json"), type=list[str]) for name in manifest.ids
    }
    arrays = {}
    for name in manifest.arrays:
        with archive.open(f"{name}.npy") as member:
            arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
    return Contents(manifest.options, ids, arrays)
