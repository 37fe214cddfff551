"""Parts that a trainer's composition root hands over."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from streamrec.domain.generations.roles import Role
from streamrec.learning.reverts import Reverts
from streamrec.ports import EventSource, IndexLookup, Metrics, RoleRecord
from streamrec.process.lease import owner_name
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.publishing.publisher import Sinks
from streamrec.settings.processes import LearningSettings, TrainerSettings

Start = Literal["checkpoint", "earliest", "latest"]

StartOrElse = Literal["checkpoint", "earliest", "latest", "checkpoint-or-earliest"]
"""The last: at the checkpoint, and whenever the log turns out to be shorter, at its beginning."""


@dataclass(frozen=True)
class TrainerProcess:
    """Settings and parts of a trainer.

    Attributes
    ----------
    open_source
        Opens a reader of events and commands that commits under a group's name.
    metrics
        Not scoped: the role that the process has at the time names its figures.
    roles
        Says which generation is champion and which challenger.
    owner
        Names this process among the trainers.
    start
        Where the stream goes on: "checkpoint", or, after a log was lost, "earliest" or "latest"; or either.
    clock
        Unix seconds.
    status
        Told what is being done.
    index
        Asked for what users would get, to judge it; None: nothing is.
    role
        The role that this process prefers.
    reverts
        How often this process went back to a checkpoint because the model was damaged.
    """

    open_source: Callable[[str], EventSource]
    sinks: Sinks
    metrics: Metrics
    artifacts_dir: Path
    roles: RoleRecord
    learning: LearningSettings
    settings: TrainerSettings
    start: StartOrElse
    stop: StopRequest
    clock: Callable[[], float]
    status: TrainerStatus = field(default_factory=TrainerStatus)
    owner: str = field(default_factory=owner_name)
    index: IndexLookup | None = None
    role: Role = "champion"
    reverts: Reverts = field(default_factory=Reverts)
