"""Step 7 of the trainer's loop: where checkpoints stand, and which one to go on from."""

from pathlib import Path

import structlog

from models.checkpoint import checkpoint_folders, number_of, read_checkpoint, write_checkpoint
from streamrec.errors import CorruptArtifact
from streamrec.ports import Offsets
from streamrec.training.trainer_state import TrainerState, restore, to_checkpoint


class Checkpoints:
    """The checkpoints of one generation, under ``<artifacts_dir>/checkpoints/<generation>/``."""

    def __init__(self, artifacts_dir: Path, generation: str) -> None:
        self._root = artifacts_dir / "checkpoints" / generation

    def write(self, state: TrainerState, next_offsets: Offsets, token: int) -> None:
        """Write the state as of `next_offsets`, under the lease's fencing token.

        Raises
        ------
        Unavailable
            When the disk is full or can't be written; the stream can go on and try again later.
        """
        newest = checkpoint_folders(self._root)[:1]
        number = number_of(newest[0]) + 1 if newest else 0
        write_checkpoint(self._root, (token, number), to_checkpoint(state, next_offsets))

    def restore_newest(self, state: TrainerState) -> Offsets:
        """Bring a fresh state to the newest checkpoint that is whole; return where the stream goes on.

        An older one only means that more of the stream is read again.

        Raises
        ------
        CorruptArtifact
            When there is none, none is whole, or the newest whole one is of another version's making.
        """
        for folder in checkpoint_folders(self._root):
            try:
                checkpoint = read_checkpoint(folder)
            except CorruptArtifact as error:
                structlog.get_logger().error("checkpoint_refused", error=str(error))
                continue
            try:
                return restore(state, checkpoint)
            except KeyError as error:
                raise CorruptArtifact(
                    f"{folder} lacks {error}: another version wrote it; go back to that version, or run"
                    " initial_training.py again"
                ) from error
        raise CorruptArtifact(
            f"no readable checkpoint in {self._root}: restore a backup, or run initial_training.py again"
        )
