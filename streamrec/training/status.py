"""What a trainer is doing at the moment, for its health endpoint."""

from typing import Literal

State = Literal["starting", "waiting for a model", "standing by", "training"]


class TrainerStatus:
    """Written by the trainer's thread, read by others.

    Attributes
    ----------
    state
        "starting" lasts until the store has answered; it also follows a lost lease.
    """

    def __init__(self) -> None:
        self.state: State = "starting"

    @property
    def is_ready(self) -> bool:
        """Whether this process trains, or would take over: one of several does the work."""
        return self.state in ("standing by", "training")
