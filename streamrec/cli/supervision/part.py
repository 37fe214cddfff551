"""A process of a system: how it is started and stopped, and how it does."""

from typing import Literal

import msgspec

State = Literal["running", "waiting", "stopped", "done"]
"""`waiting`: ended, and soon to be started again. `done`: ended well, which was all that was wanted."""


class Part(msgspec.Struct, frozen=True):
    """A process, and what a supervisor has to know of it.

    Attributes
    ----------
    environment
        Variables beside those of the supervisor.
    stage
        Those of a higher one are stopped first.
    stop_patience_s
        After SIGTERM; then it is killed.
    is_once
        Whether it is over when it has ended with exit code 0.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}
    stage: int = 0
    stop_patience_s: float = 15.0
    is_once: bool = False


class PartStatus(msgspec.Struct, frozen=True):
    """State of a part.

    Attributes
    ----------
    pid
        0 while it does not run.
    n_starts
        Times that it was started.
    trouble
        Why a person should look, with its last lines; empty while there is no reason. Stays until the part
        has run for a while.
    """

    name: str
    state: State
    pid: int
    n_starts: int
    trouble: str
