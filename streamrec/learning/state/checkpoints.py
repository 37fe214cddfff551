"""Step 6 of the stream loop: where checkpoints stand, and which one to go on from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from models.checkpoint import (
    Checkpoint,
    TensorsUnder,
    checkpoint_folders,
    number_of,
    read_checkpoint,
    read_state_part,
    token_of,
    write_checkpoint,
)
from streamrec.errors import CorruptArtifact, UnsoundModel
from streamrec.learning.soundness import demand_sound
from streamrec.learning.state.stored_state import restore, to_checkpoint
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.payload import FILE_DAMAGE, damaged
from streamrec.ports import Offsets
from streamrec.settings.processes import LearningSettings, TrainerSettings


class _Place(msgspec.Struct):
    """The part of a checkpoint's state that says where its stream goes on."""

    next_offsets: Offsets = {}


class Checkpoints:
    """The checkpoints of one generation, under ``<artifacts_dir>/checkpoints/<generation>/``."""

    def __init__(self, artifacts_dir: Path, generation: str) -> None:
        self._root = artifacts_dir / "checkpoints" / generation
        self._least_token = 0

    def write(self, state: TrainerState, next_offsets: Offsets, token: int) -> None:
        """Write the state as of `next_offsets`, under the lease's fencing token.

        Champion and challenger hold different leases, whose tokens say nothing of one another: what was
        found when the state was opened counts too.

        Raises
        ------
        Unavailable
            When the disk is full or can't be written; the stream can go on and try again later.
        UnsoundModel
            When the model is damaged. So the newest that was written is sound, and it is never pruned.
        """
        demand_sound(state.learner.model.tensors())
        newest = checkpoint_folders(self._root)[:1]
        number = number_of(newest[0]) + 1 if newest else 0
        fence = max(token, self._least_token)
        write_checkpoint(self._root, (fence, number), to_checkpoint(state, next_offsets))

    def open_newest(
        self, learning: LearningSettings, settings: TrainerSettings
    ) -> tuple[TrainerState, Offsets]:
        """Return the state of the newest checkpoint that is whole, and where its stream goes on.

        It learns on with the settings that it was trained with.

        Parameters
        ----------
        learning
            For a generation that does not say what it was trained with.

        Raises
        ------
        CorruptArtifact
            As `restore_newest`.
        """
        for folder, checkpoint in self._whole_ones():
            with _saying_corrupt(folder):
                recorded = LearningSettings.recorded(checkpoint.state.get("learning", learning.model_dump()))
                _say_what_differs(recorded, learning)
                state = TrainerState(checkpoint.state.get("generation", ""), recorded, settings)
            return state, self._restored(state, folder, checkpoint)
        raise self._nothing_readable()

    def restore_newest(self, state: TrainerState) -> Offsets:
        """Bring a fresh state to the newest checkpoint that is whole; return where the stream goes on.

        An older one only means that more of the stream is read again.

        Raises
        ------
        CorruptArtifact
            When there is none, none is whole, or the newest whole one is of another version's making.
        """
        for folder, checkpoint in self._whole_ones():
            return self._restored(state, folder, checkpoint)
        raise self._nothing_readable()

    def check(self) -> None:
        """Look whether there is one to go on from.

        Raises
        ------
        CorruptArtifact
            When there is none, or none is whole.
        """
        if next(self._whole_ones(), None) is None:
            raise self._nothing_readable()

    def offsets_of_all(self, known: dict[Path, Offsets]) -> list[Offsets]:
        """Return where the stream goes on after each checkpoint on disk: any of them may be gone on from.

        Parameters
        ----------
        known
            What those said that were read before; this generation's are brought up to date.
        """
        folders = checkpoint_folders(self._root)
        for gone in [folder for folder in known if folder.parent == self._root and folder not in folders]:
            del known[gone]
        for folder in folders:
            if folder not in known:
                known[folder] = read_state_part(folder, _Place).next_offsets
        return [known[folder] for folder in folders]

    def _whole_ones(self) -> Iterator[tuple[Path, Checkpoint]]:
        for folder in checkpoint_folders(self._root):
            try:
                checkpoint = read_checkpoint(folder)
                demand_sound(TensorsUnder("learner/model.", checkpoint.tensors))
                yield folder, checkpoint
            except (CorruptArtifact, UnsoundModel) as error:
                structlog.get_logger().error("checkpoint_refused", error=str(error))

    def _restored(self, state: TrainerState, folder: Path, checkpoint: Checkpoint) -> Offsets:
        self._least_token = token_of(checkpoint_folders(self._root)[0]) + 1
        with _saying_corrupt(folder):
            return restore(state, checkpoint)

    def _nothing_readable(self) -> CorruptArtifact:
        return CorruptArtifact(
            f"no readable checkpoint in {self._root}: restore a backup, or run initial_training.py again"
        )


@contextmanager
def _saying_corrupt(folder: Path) -> Iterator[None]:
    """Turn what a state raises that does not hold together into our words; torch raises `RuntimeError`."""
    mend = "go back to that version, or run initial_training.py again"
    try:
        yield
    except KeyError as error:
        raise CorruptArtifact(f"{folder} lacks {error}: another version wrote it; {mend}") from error
    except FILE_DAMAGE as error:
        reason = damaged(error)
        raise CorruptArtifact(
            f"{folder} does not hold together ({reason}): another version wrote it; {mend}"
        ) from error


def _say_what_differs(recorded: LearningSettings, given: LearningSettings) -> None:
    """Warn of settings that this process was given and that do not count."""
    ours, theirs = given.model_dump(), recorded.model_dump()
    if different := {name: value for name, value in theirs.items() if ours[name] != value}:
        structlog.get_logger().warning(
            "learning_settings_of_the_generation_count",
            **different,
            mend="to learn with others, train a generation: initial_training.py",
        )
