"""Record of a training, for those who look at it from elsewhere."""

from collections.abc import Callable
from typing import Any

import msgspec

from streamrec.datasets.workspace import TrainingJob, TrainingState, TrainingStatus, Workspace

_PAUSE_S = 0.3
"""Between two writes of a bar that moves: nobody looks more often."""

_N_MESSAGES = 50


class TrainingRecord:
    """Implements `Listener` of the screen: what it shows stands in the workspace as well.

    Parameters
    ----------
    clock
        Unix seconds.
    check
        Called at each step and movement; raises when the training shall end.
    """

    def __init__(
        self,
        workspace: Workspace,
        job: TrainingJob,
        pid: int,
        clock: Callable[[], float],
        check: Callable[[], None],
    ) -> None:
        self._workspace, self._clock, self._check = workspace, clock, check
        self._written_at = 0.0
        self._status = TrainingStatus("running", "Starting", clock(), pid, job.replaces, job.as_challenger)
        self._change()

    def step(self, description: str) -> None:
        """Record what is being done from now on."""
        self._check()
        self._change(step=description, done=None, total=None)

    def moved(self, done: int, total: int | None) -> None:
        """Record how far that is, now and then."""
        self._check()
        self._status = msgspec.structs.replace(self._status, done=done, total=total)
        if not 0 <= self._clock() - self._written_at < _PAUSE_S:
            self._change()

    def said(self, text: str) -> None:
        """Record a line: the newest ones are kept."""
        self._change(messages=[*self._status.messages, text][-_N_MESSAGES:])

    def end(self, state: TrainingState, *, generation: str | None = None, error: str | None = None) -> None:
        """Record how it ended."""
        self._change(state=state, generation=generation, error=error, ended_at=self._clock())

    def _change(self, **fields: Any) -> None:  # noqa: ANN401 - of the status
        self._status = msgspec.structs.replace(self._status, **fields)
        self._written_at = self._clock()
        self._workspace.write_training(self._status)
