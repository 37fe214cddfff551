"""Files of the artifacts in a backup: roles, snapshots, and the checkpoint that each process goes on from."""

import shutil
from pathlib import Path

from models.checkpoint import checkpoint_folders, read_checkpoint
from streamrec.adapters.files.role_fence import TOKENS
from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.files.snapshot_retention import CHECKPOINTS
from streamrec.adapters.files.snapshots import (
    CHALLENGER,
    CURRENT,
    PROMOTION,
    current_generation,
    list_generations,
    read_snapshot,
)
from streamrec.attribution.context import CHECKPOINT_FILE as ATTRIBUTION
from streamrec.bars.context import CHECKPOINT_FILE as BARS
from streamrec.durable_files import replace_bytes, replaced, sync
from streamrec.errors import CorruptArtifact, StreamrecError, Unavailable

_ROLES = (CURRENT, CHALLENGER, PROMOTION, TOKENS)
_STATES = (BARS, ATTRIBUTION)
_N_TRIES = 20


def copy_artifacts(artifacts_dir: Path, folder: Path) -> str | None:
    """Copy roles, snapshots and newest checkpoints; return the live generation, None before the first.

    What is removed or replaced meanwhile is looked for again: a checkpoint goes when newer ones are there.

    Raises
    ------
    CorruptArtifact
        When a checkpoint or a snapshot of a generation with a role can't be read.
    """
    for name in (*_ROLES, *_STATES):
        _copy_file(artifacts_dir / name, folder / name)
    roles, live = SnapshotRoles(folder).read(), current_generation(folder)
    needed = {name for name in (live, *roles[:2]) if name is not None}
    for generation in {*needed, *list_generations(artifacts_dir)}:
        try:
            _copy_generation(artifacts_dir, folder, generation)
        except (StreamrecError, OSError) as error:
            shutil.rmtree(folder / generation, ignore_errors=True)
            shutil.rmtree(folder / CHECKPOINTS / generation, ignore_errors=True)
            if generation in needed:
                raise CorruptArtifact(f"generation {generation} can't be copied: {error}") from error
    return live


def _copy_file(source: Path, target: Path) -> None:
    try:
        content = source.read_bytes()  # all of these are replaced as a whole
    except FileNotFoundError:
        return
    replace_bytes(target, content)


def _copy_generation(artifacts_dir: Path, folder: Path, generation: str) -> None:
    _copy_folder(artifacts_dir / generation, folder / generation)
    read_snapshot(folder, generation)
    root = artifacts_dir / CHECKPOINTS / generation
    target = folder / CHECKPOINTS / generation
    target.mkdir(parents=True, exist_ok=True)
    _copy_newest_checkpoint(root, target)
    for path in root.iterdir():
        if path.is_file() and not path.name.startswith("."):
            _copy_file(path, target / path.name)


def _copy_newest_checkpoint(root: Path, target: Path) -> None:
    for _ in range(_N_TRIES):
        for checkpoint in checkpoint_folders(root):
            copied = target / checkpoint.name
            try:
                _copy_folder(checkpoint, copied)
                read_checkpoint(copied)
            except (CorruptArtifact, OSError):
                shutil.rmtree(copied, ignore_errors=True)
            else:
                return
    raise CorruptArtifact(f"no readable checkpoint in {root}")


def _copy_folder(source: Path, target: Path) -> None:
    """Copy a folder with its times, by which generations are ordered."""
    shutil.copytree(source, target)
    for path in (*target.iterdir(), target, target.parent):
        sync(path)


def holds_artifacts(artifacts_dir: Path) -> bool:
    """Return whether there is anything that a backup would replace."""
    names = (*_ROLES, *_STATES, CHECKPOINTS)
    return any((artifacts_dir / name).exists() for name in names) or bool(list_generations(artifacts_dir))


def remove_artifacts(artifacts_dir: Path) -> None:
    """Remove what a backup would replace, what says that a generation is live first."""
    for name in (*_ROLES, *_STATES):
        (artifacts_dir / name).unlink(missing_ok=True)
    for name in (*list_generations(artifacts_dir), CHECKPOINTS):
        shutil.rmtree(artifacts_dir / name, ignore_errors=True)


def restore_artifacts(folder: Path, artifacts_dir: Path) -> None:
    """Put all in place but the name of the live generation, which no process begins without.

    Raises
    ------
    Unavailable
        When the disk can't be written.
    """
    try:
        artifacts_dir.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                shutil.copytree(path, artifacts_dir / path.name)
            elif path.name != CURRENT:
                with replaced(artifacts_dir / path.name) as file:
                    file.write(path.read_bytes())
    except OSError as error:
        raise Unavailable(f"{artifacts_dir} can't be written: {error}") from error


def restore_live(folder: Path, artifacts_dir: Path) -> None:
    """Name the live generation, at the very end."""
    _copy_file(folder / CURRENT, artifacts_dir / CURRENT)
