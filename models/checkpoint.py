"""Checkpoints: tensors and state in one folder, in place by one rename, or not at all.

A checkpoint is a folder ``<token>-<number>`` with ``tensors.safetensors``, ``state.json`` and a
``manifest.json`` that names the format version and the SHA-256 of the other two. The name sorts by the
writer's fencing token first: what a trainer writes after it lost its lease is never the newest.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from streamrec.durable_files import replace_folder, sha256_of, sync, written
from streamrec.errors import CorruptArtifact, Damaged, Unavailable
from streamrec.faults.points import fault_point
from streamrec.payload import FILE_DAMAGE, decoded

FORMAT_VERSION = 2

_TENSORS = "tensors.safetensors"
_STATE = "state.json"
_MANIFEST = "manifest.json"
_UNFINISHED = ".unfinished"
_FOLDER_NAME = re.compile(r"[0-9]+-[0-9]+")


class _Manifest(msgspec.Struct, frozen=True):
    format_version: int
    sha256: dict[str, str] = {}


_decode_manifest = msgspec.json.Decoder(_Manifest).decode
_decode_state = msgspec.json.Decoder(dict[str, Any]).decode

T = TypeVar("T")


class StoredTensors(Mapping[str, Tensor]):
    """Tensors in a file, each mapped into memory when it is asked for, and only for as long as it is held.

    A reader that copies one after the other never has the whole file in memory beside its copies.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with safe_open(path, "pt") as file:
            self._names = frozenset(file.keys())

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._names:
            raise KeyError(name)
        with safe_open(self._path, "pt") as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class TensorsUnder(Mapping[str, Tensor]):
    """Tensors whose names begin with a prefix, under the rest of their names.

    >>> import torch
    >>> tensors = {"users.rows": torch.zeros(2), "items.rows": torch.ones(3)}
    >>> list(TensorsUnder("items.", tensors)), TensorsUnder("items.", tensors)["rows"].tolist()
    (['rows'], [1.0, 1.0, 1.0])
    """

    def __init__(self, prefix: str, tensors: Mapping[str, Tensor]) -> None:
        self._prefix = prefix
        self._tensors = tensors

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[self._prefix + name]

    def __iter__(self) -> Iterator[str]:
        prefix = self._prefix
        return (name.removeprefix(prefix) for name in self._tensors if name.startswith(prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Checkpoint(NamedTuple):
    """State that a trainer goes on from.

    Attributes
    ----------
    tensors
        Weights, optimizer state and counts, by name; of one that was read, copy what you change.
    state
        Everything else, in JSON's types: id maps, counters, next offsets.
    """

    tensors: Mapping[str, Tensor]
    state: dict[str, Any]


def write_checkpoint(root: Path, name: tuple[int, int], checkpoint: Checkpoint, *, n_kept: int = 3) -> Path:
    """Write a checkpoint durably and remove the oldest beyond `n_kept`.

    Parameters
    ----------
    root
        Folder of one generation's checkpoints.
    name
        (fencing token, running number); the newest checkpoint has the greatest.

    Raises
    ------
    Unavailable
        When the disk is full or can't be written; the checkpoints before are untouched.
    """
    write_unfinished(root, name, checkpoint, n_kept=n_kept)
    return put_in_place(root, name)


def write_unfinished(root: Path, name: tuple[int, int], checkpoint: Checkpoint, *, n_kept: int = 3) -> None:
    """Write all of a checkpoint but its name, and make room for it; raises as `write_checkpoint`."""
    target = root / _folder_name(name)
    unfinished = _unfinished(target)
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        fault_point("write", unfinished / _TENSORS)
        save_file(dict(checkpoint.tensors), unfinished / _TENSORS)
        sync(unfinished / _TENSORS)
        with written(unfinished / _STATE) as file:
            file.write(msgspec.json.encode(checkpoint.state))
        manifest = {
            "format_version": FORMAT_VERSION,
            "sha256": {name: sha256_of(unfinished / name) for name in (_TENSORS, _STATE)},
        }
        with written(unfinished / _MANIFEST) as file:
            file.write(json.dumps(manifest, indent=2).encode())
    except (OSError, SafetensorError) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise _unwritten(target, error) from error
    _remove_old(root, n_kept - 1, unfinished)


def put_in_place(root: Path, name: tuple[int, int]) -> Path:
    """Give a checkpoint that was written its name; raises as `write_checkpoint`."""
    target = root / _folder_name(name)
    try:
        replace_folder(target, _unfinished(target))
    except OSError as error:
        raise _unwritten(target, error) from error
    return target


def _unfinished(target: Path) -> Path:
    return target.with_name(target.name + _UNFINISHED)


def _unwritten(target: Path, error: Exception) -> Unavailable:
    return Unavailable(f"can't write checkpoint {target}: {error}; check the disk's free space")


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read one checkpoint after comparing its checksums.

    Raises
    ------
    CorruptArtifact
        When a file is missing or torn, or of a format that this version does not read.
    """
    try:
        manifest = decoded(_decode_manifest, (folder / _MANIFEST).read_bytes())
        if manifest.format_version != FORMAT_VERSION:
            raise CorruptArtifact(
                f"{folder}: format {manifest.format_version}, not {FORMAT_VERSION}: another version of"
                " streamrec wrote it; go back to that version, or run initial_training.py again"
            )
        for file in (_TENSORS, _STATE):
            if sha256_of(folder / file) != manifest.sha256.get(file):
                raise CorruptArtifact(f"{folder / file}: the content does not match its checksum")
        state = decoded(_decode_state, (folder / _STATE).read_bytes())
        return Checkpoint(StoredTensors(folder / _TENSORS), state)
    except (*FILE_DAMAGE, Damaged, SafetensorError) as error:
        raise CorruptArtifact(f"{folder} is not a readable checkpoint: {error}") from error


def read_state_part(folder: Path, part: type[T]) -> T:
    """Return some of a checkpoint's state, by a struct that names it; without a look at the checksums.

    Raises
    ------
    CorruptArtifact
        When it can't be read.
    """
    try:
        decoder = msgspec.json.Decoder(part, strict=False)
        return decoded(decoder.decode, (folder / _STATE).read_bytes())
    except (OSError, Damaged) as error:
        raise CorruptArtifact(f"{folder} is not a readable checkpoint: {error}") from error


def checkpoint_folders(root: Path) -> list[Path]:
    """Return the finished checkpoints, newest first."""
    if not root.is_dir():
        return []
    finished = [path for path in root.iterdir() if path.is_dir() and _FOLDER_NAME.fullmatch(path.name)]
    return sorted(finished, key=lambda path: path.name, reverse=True)


def _folder_name(name: tuple[int, int]) -> str:
    token, number = name
    return f"{token:010d}-{number:010d}"


def number_of(folder: Path) -> int:
    """Return a checkpoint's running number.

    >>> number_of(Path("checkpoints/0000000003-0000000017"))
    17
    """
    return int(folder.name.rpartition("-")[2])


def token_of(folder: Path) -> int:
    """Return the fencing token that a checkpoint was written under.

    >>> token_of(Path("checkpoints/0000000003-0000000017"))
    3
    """
    return int(folder.name.partition("-")[0])


def _remove_old(root: Path, n_kept: int, unfinished: Path) -> None:
    """Remove all but the newest, and what others left unfinished."""
    for folder in checkpoint_folders(root)[n_kept:]:
        shutil.rmtree(folder, ignore_errors=True)
    for leftover in root.glob(f"*{_UNFINISHED}"):
        if leftover != unfinished:
            shutil.rmtree(leftover, ignore_errors=True)
