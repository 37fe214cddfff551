"""Retention of generations on disk: those stay that have a role, and the newest of the others."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from streamrec.adapters.files.roles import SnapshotRoles, challenger_generation
from streamrec.adapters.files.snapshots import current_generation, is_generation, list_generations
from streamrec.errors import Unavailable

CHECKPOINTS = "checkpoints"

_PREDICTED = "predicted.npy"

_CHECKPOINT = re.compile(r"\d{10,}-\d{10,}(\.unfinished)?")

_LEFTOVER = re.compile(r"\..+\.\d+\.tmp|\..+\.gone")
"""Folders that a writer, or a remover, was killed in the middle of."""


def predicted_path(artifacts_dir: Path, generation: str) -> Path:
    """Return where a generation keeps what it predicted: it goes with the checkpoints."""
    return artifacts_dir / CHECKPOINTS / generation / _PREDICTED


class GenerationRetention:
    """Removes folders of old generations and their checkpoints; anything else in the folder is left alone.

    Parameters
    ----------
    n_old
        Generations kept without a role: the newest.
    least_age_s
        Nothing younger goes: an initial training may be at work on it, or a process read it.
    """

    def __init__(
        self, artifacts_dir: Path, n_old: int, least_age_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._artifacts_dir = artifacts_dir
        self._n_old = n_old
        self._least_age_s = least_age_s
        self._clock = clock

    def prune(self) -> int:
        """Remove what need not stay; return the number of generations removed.

        Raises
        ------
        CorruptArtifact
            When it can't be read who has a role; nothing is removed then.
        Unavailable
            When a folder can't be removed.
        """
        kept = self._kept()
        if current_generation(self._artifacts_dir) is None:
            return 0  # whoever lost the live one's name will look for it
        old = [name for name in list_generations(self._artifacts_dir) if name not in kept]
        removable = [name for name in old[: len(old) - self._n_old or None] if self._n_old < len(old)]
        gone = [name for name in removable if self._remove_generation(self._artifacts_dir / name)]
        kept |= {*old} - {*gone}
        for folder in self._folders(self._artifacts_dir / CHECKPOINTS):
            if is_generation(folder.name) and folder.name not in kept:
                self._remove_checkpoints(folder)
        for folder in self._folders(self._artifacts_dir):
            if _LEFTOVER.fullmatch(folder.name) and self._is_old(folder):
                self._remove(folder)
        if gone:
            structlog.get_logger().info("generations_removed", names=gone)
        return len(gone)

    def _kept(self) -> set[str | None]:
        roles = SnapshotRoles(self._artifacts_dir).read()
        last = roles.promotion
        return {
            current_generation(self._artifacts_dir),
            challenger_generation(self._artifacts_dir),
            *roles[:2],
            *((last.champion, last.challenger) if last is not None else ()),
        }

    def _remove_generation(self, folder: Path) -> bool:
        if folder.is_symlink() or not self._is_old(folder):
            return False
        # Out of sight first: nobody finds a generation of which half is gone.
        gone = folder.with_name(f".{folder.name}.gone")
        self._remove(gone)
        try:
            folder.rename(gone)
        except FileNotFoundError:
            return False  # another process removes the same
        except OSError as error:
            raise Unavailable(f"can't remove {folder}: {error}") from error
        self._remove(gone)
        return True

    def _remove_checkpoints(self, folder: Path) -> None:
        """Remove the checkpoints of a generation that is gone, and their folder if it holds nothing else."""
        if folder.is_symlink() or not self._is_old(folder):
            return
        for checkpoint in self._folders(folder):
            if _CHECKPOINT.fullmatch(checkpoint.name) and self._is_old(checkpoint):
                self._remove(checkpoint)
        predicted = predicted_path(self._artifacts_dir, folder.name)
        if predicted.is_file() and self._is_old(predicted):
            predicted.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()

    def _is_old(self, folder: Path) -> bool:
        age_s = self._clock() - folder.stat().st_mtime
        return age_s >= self._least_age_s

    @staticmethod
    def _remove(folder: Path) -> None:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            pass  # another process removes the same
        except OSError as error:
            raise Unavailable(f"can't remove {folder}: {error}") from error

    @staticmethod
    def _folders(parent: Path) -> Iterator[Path]:
        if parent.is_dir():
            yield from [path for path in parent.iterdir() if path.is_dir() and not path.is_symlink()]
