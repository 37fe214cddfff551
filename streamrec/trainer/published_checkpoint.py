"""A checkpoint that is written beside the loop, and counts once what it takes for published is."""

from collections.abc import Sequence
from concurrent.futures import Future

from streamrec.learning.reverts import Reverts
from streamrec.learning.state.checkpoints import CheckpointBeside


class PublishedCheckpoint:
    """A checkpoint beside the loop, and what was on its way out when it was begun.

    Parameters
    ----------
    handed_over
        From `Publisher.handed_over`.
    """

    def __init__(
        self, checkpoint: CheckpointBeside, handed_over: Sequence[Future[None]], reverts: Reverts
    ) -> None:
        self._checkpoint, self._handed_over, self._reverts = checkpoint, handed_over, reverts

    def is_ready(self) -> bool:
        """Return whether it is written, or can't be, and all that it counts as published is out."""
        return self._checkpoint.is_written() and all(piece.done() for piece in self._handed_over)

    def put_in_place(self) -> None:
        """Let it be the newest checkpoint.

        Raises
        ------
        StreamrecError
            What it, or a publication, failed of.
        """
        for piece in self._handed_over:
            piece.result()
        self._checkpoint.put_in_place()
        self._reverts.settle()

    def end(self) -> None:
        """Stop writing it."""
        self._checkpoint.end()
