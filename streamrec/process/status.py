"""The state of a trainer, or of a keeper of bars, for its health endpoint."""

from typing import Literal

from streamrec.domain.generations.roles import Role

State = Literal["starting", "waiting for a model", "standing by", "training", "following"]


class TrainerStatus:
    """Written by the trainer's thread, read by others.

    Attributes
    ----------
    state
        "starting" lasts until the store has answered; it also follows a lost lease. A keeper of
        bars follows the stream and trains nothing.
    role, generation
        What is trained, or was last; None before.
    """

    def __init__(self) -> None:
        self.state: State = "starting"
        self.role: Role | None = None
        self.generation: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether this process trains, or would take over: one of several does the work."""
        return self.state in ("standing by", "training", "following")
