"""Steps 6 and 7 of the stream loop: now and then the state is written down with the next offsets.

A large state is written beside the loop, as it was at one moment; the loop learns on meanwhile. Once it is
written, and all is durable outside that it counts as published, it is put in place by one rename: until then
there is the checkpoint before.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, Self, TypeVar

import structlog

from streamrec.durable_files import fall_back, keep_previous, previous_of, remove_leftovers, replaced
from streamrec.errors import CorruptArtifact, Unavailable
from streamrec.log_limits import warn_seldom
from streamrec.ports import Metrics, Offsets, earliest
from streamrec.process.commits import Commits
from streamrec.telemetry import timed

T = TypeVar("T")


class WrittenBeside(Protocol):
    """A checkpoint that is being written beside the loop."""

    def is_ready(self) -> bool:
        """Whether it can be put in place, or has failed."""

    def put_in_place(self) -> None:
        """Let it be the newest; raises what it failed of."""

    def end(self) -> None:
        """Stop writing it."""


class CheckpointedHandler(Protocol):
    """A handler's part in its checkpoints."""

    @property
    def can_begin_checkpoint(self) -> bool:
        """Whether nothing that was handed over would have to be waited for now."""

    def begin_checkpoint(self, next_offsets: Offsets) -> WrittenBeside | None:
        """Begin to write the state as it is now, and these offsets; None: it is small, written at once."""

    def flush(self) -> None:
        """Return once all is durable outside that a checkpoint counts as published."""

    def write_checkpoint(self, next_offsets: Offsets) -> None:
        """Write the state and these offsets, whole or not at all (step 6)."""


class Checkpointing:
    """Writes a handler's checkpoints when they are due, and commits what they hold.

    Parameters
    ----------
    renew_lease
        Called before anything is put in place, and after what takes long.
    checkpointed
        The next offsets that the last checkpoint was written with; None: it does not hold the state.
    """

    def __init__(
        self,
        handler: CheckpointedHandler,
        commits: Commits,
        metrics: Metrics,
        renew_lease: Callable[[], object],
        checkpointed: Offsets | None,
    ) -> None:
        self._handler, self._commits, self._metrics = handler, commits, metrics
        self._renew_lease = renew_lease
        self._checkpointed = checkpointed
        self._under_way: WrittenBeside | None = None
        self._offsets_under_way: Offsets = {}
        self._began_at = 0.0

    @property
    def is_under_way(self) -> bool:
        """Whether one is being written beside the loop."""
        return self._under_way is not None

    def begin(self, next_offsets: Offsets) -> None:
        """Begin to write what was taken in up to here, if anything; a small one is in place at the return.

        Raises
        ------
        Unavailable
            When a small one can't be written.
        """
        if next_offsets == self._checkpointed:
            self._commits.commit(next_offsets)  # in case the last one failed
            return
        started = time.perf_counter()
        self._under_way = self._handler.begin_checkpoint(next_offsets)
        self._offsets_under_way, self._began_at = next_offsets, started
        if self._under_way is None:
            self.write(next_offsets)
        else:
            self._metrics.timing("checkpoint_begin", (time.perf_counter() - started) * 1000)

    def settle(self) -> None:
        """Put in place what is under way, if it is ready, and commit.

        Raises
        ------
        Unavailable
            When it could not be written.
        UnsoundModel
            When the model was damaged.
        """
        if self._under_way is None or not self._under_way.is_ready():
            return
        under_way, self._under_way = self._under_way, None
        self._renew_lease()
        under_way.put_in_place()  # Step 6
        self._metrics.timing("checkpoint", (time.perf_counter() - self._began_at) * 1000)
        self._checkpointed = self._offsets_under_way
        self._commits.commit(self._offsets_under_way)  # Step 7

    def write(self, next_offsets: Offsets) -> None:
        """Write down what was taken in up to here, if anything, and commit; instead of what is under way.

        Raises
        ------
        Unavailable
            When it can't be written.
        """
        self.end()
        if next_offsets != self._checkpointed:
            self._handler.flush()
            self._renew_lease()
            with timed(self._metrics, "checkpoint"):
                self._handler.write_checkpoint(next_offsets)  # Step 6
            self._checkpointed = next_offsets
            self._renew_lease()  # a checkpoint takes long, and a commit may
        self._commits.commit(next_offsets)  # Step 7; without a new checkpoint, in case the last one failed

    def end(self) -> None:
        """Stop what is under way."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.end()

    def attempt(self, what: Callable[[], None]) -> None:
        """Do a part of it; without a checkpoint a crash costs more replaying, and nothing else."""
        try:
            what()
        except Unavailable as error:
            self._metrics.count("checkpoint_failures")
            warn_seldom("checkpoint_failed", error=str(error))


class CheckpointFile(ABC):
    """One file, replaced at each writing; the one before stays, for a damaged one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def previous(self) -> Self:
        """The one before."""
        return type(self)(previous_of(self._path))

    @abstractmethod
    def next_offsets(self) -> Offsets:
        """Return where the stream goes on after this checkpoint.

        Raises
        ------
        CorruptArtifact
            When the file is damaged.
        """

    def needed_offsets(self) -> Offsets:
        """Return from where on the logs are needed: by this checkpoint, and the one before if it can be read.

        Raises
        ------
        CorruptArtifact
            When the file is damaged.
        """
        own = self.next_offsets()
        try:
            return own | earliest([own, self.previous.next_offsets()])
        except CorruptArtifact:
            return own

    def read_newest(self, read: Callable[[Self], T | None], metrics: Metrics) -> T | None:
        """Return what the newest file that can be read holds; None where there is none.

        A damaged file gives its place to the one before, after which more of the logs is read again.

        Raises
        ------
        CorruptArtifact
            When there are files, and none can be read.
        """
        try:
            return read(self)
        except CorruptArtifact as error:
            found = read(self.previous)
            if found is None:
                raise
            structlog.get_logger().error("checkpoint_refused", error=str(error))
            metrics.count("checkpoint_failures")
            fall_back(self._path)
            return found

    @contextmanager
    def _replaced(self) -> Iterator[BinaryIO]:
        """Yield a file that takes this one's place, durably.

        Raises
        ------
        Unavailable
            When the disk is full or can't be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self._path)
            keep_previous(self._path)
            with replaced(self._path) as file:
                yield file
        except OSError as error:
            raise Unavailable(f"can't write {self._path}: {error}") from error
