"""Step 6 of the stream loop: where checkpoints stand, and which one to go on from."""

import platform
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
    put_in_place,
    read_checkpoint,
    read_state_part,
    token_of,
    write_unfinished,
)
from streamrec.errors import CorruptArtifact, UnsoundModel
from streamrec.learning.learner import use_one_thread
from streamrec.learning.soundness import demand_sound
from streamrec.learning.state.stored_state import restore, to_checkpoint
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.payload import FILE_DAMAGE, damaged
from streamrec.ports import Offsets
from streamrec.process.forked import Forked
from streamrec.settings.processes import LearningSettings, TrainerSettings


class _Place(msgspec.Struct):
    """The part of a checkpoint's state that says where its stream goes on."""

    next_offsets: Offsets = {}


_MOST_AT_ONCE = 16_000_000
"""Bytes of a learner that are written in less than a tenth of a second."""


class CheckpointBeside:
    """A checkpoint that another process writes."""

    def __init__(self, root: Path, name: tuple[int, int], writing: Forked) -> None:
        self._root, self._name, self._writing = root, name, writing

    def is_written(self) -> bool:
        """Return whether it is there but for its name, or can't be."""
        return self._writing.is_done()

    def put_in_place(self) -> None:
        """Let it be there.

        Raises
        ------
        Unavailable, UnsoundModel
            As `Checkpoints.write`.
        """
        self._writing.result()
        put_in_place(self._root, self._name)

    def end(self) -> None:
        """Stop writing it."""
        self._writing.end()


class Checkpoints:
    """The checkpoints of one generation, under ``<artifacts_dir>/checkpoints/<generation>/``.

    Parameters
    ----------
    most_at_once
        Bytes of a learner up to which a checkpoint is not written by another process.

    Attributes
    ----------
    n_refused
        Checkpoints that could not be read, and were passed over for older ones.
    """

    def __init__(self, artifacts_dir: Path, generation: str, most_at_once: int = _MOST_AT_ONCE) -> None:
        self._root = artifacts_dir / "checkpoints" / generation
        self._least_token = 0
        self.n_refused = 0
        self._most_at_once = most_at_once

    def write(self, state: TrainerState, next_offsets: Offsets, token: int) -> None:
        """Write the state as of `next_offsets`, under the lease's fencing token.

        Champion and challenger hold different leases, whose tokens say nothing of one another: what was
        found when the state was opened counts too.
        Of a large state another process writes it meanwhile: what that takes would else be kept by this one.

        Raises
        ------
        Unavailable
            When the disk is full or can't be written; the stream can go on and try again later.
        UnsoundModel
            When the model is damaged. So the newest that was written is sound, and it is never pruned.
        """
        beside = self.begin(state, next_offsets, token)
        if beside is not None:
            beside.put_in_place()
        else:
            name = self._next_name(token)
            self._write(name, state, next_offsets)
            put_in_place(self._root, name)

    def begin(self, state: TrainerState, next_offsets: Offsets, token: int) -> CheckpointBeside | None:
        """Begin to write the state as it is now, in a process of its own; None: it is too small for that.

        Another system than Linux shares more with a process that is forked off than its memory.
        """
        if platform.system() != "Linux" or state.learner.n_bytes <= self._most_at_once:
            return None
        name = self._next_name(token)

        def write() -> None:
            use_one_thread()  # the others that torch had were not forked
            self._write(name, state, next_offsets)

        return CheckpointBeside(self._root, name, Forked(write))

    def _write(self, name: tuple[int, int], state: TrainerState, next_offsets: Offsets) -> None:
        demand_sound(state.learner.model.tensors())
        write_unfinished(self._root, name, to_checkpoint(state, next_offsets))

    def _next_name(self, token: int) -> tuple[int, int]:
        newest = checkpoint_folders(self._root)[:1]
        number = number_of(newest[0]) + 1 if newest else 0
        return max(token, self._least_token), number

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
                self.n_refused += 1
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
