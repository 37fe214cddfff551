"""What a trainer process is made of, and its loop brought to where the checkpoint was written."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import structlog

from streamrec.domain.events.weights import EventWeights
from streamrec.domain.generations.roles import Role
from streamrec.learning.absorb import LearningRules
from streamrec.learning.reverts import Reverts
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import EventSource, IndexLookup, Metrics, Offsets, RoleRecord
from streamrec.process.erasures import ErasureReader, ever_erased, open_erasures
from streamrec.process.lease import LeaseKeeper, owner_name
from streamrec.process.retries import patiently
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.publishing.publisher import Outlets, Publisher
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.shadow.live_index import LiveIndex
from streamrec.trainer.stream import StreamTrainer
from streamrec.trainer.surroundings import Surroundings

Start = Literal["checkpoint", "earliest", "latest"]


@dataclass(frozen=True)
class TrainerProcess:
    """What the composition root hands over.

    Attributes
    ----------
    open_source
        Opens a reader of events and commands that commits under a group's name.
    roles
        Says which generation is champion and which challenger.
    owner
        Names this process among the trainers.
    start
        Where the stream goes on: "checkpoint", or, after a log was lost, "earliest" or "latest".
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
    outlets: Outlets
    metrics: Metrics
    artifacts_dir: Path
    roles: RoleRecord
    learning: LearningSettings
    settings: TrainerSettings
    start: Start
    stop: StopRequest
    clock: Callable[[], float]
    status: TrainerStatus = field(default_factory=TrainerStatus)
    owner: str = field(default_factory=owner_name)
    index: IndexLookup | None = None
    role: Role = "champion"
    reverts: Reverts = field(default_factory=Reverts)


class Equipment(NamedTuple):
    """What a turn's loop works with.

    Attributes
    ----------
    source
        Events and commands; its place is set by `open_trainer`.
    is_over
        Whether the turn of a state's trainer comes to its end.
    """

    source: EventSource
    lease: LeaseKeeper
    publisher: Publisher
    is_over: Callable[[TrainerState], bool] = lambda _state: False
    live_index: LiveIndex | None = None


class OpenTrainer(NamedTuple):
    """A loop that stands where to go on, and what it changes."""

    loop: StreamTrainer
    state: TrainerState


def open_trainer(process: TrainerProcess, generation: str, equipment: Equipment) -> OpenTrainer:
    """Bring a trainer to where its generation's newest checkpoint was written.

    Raises
    ------
    CorruptArtifact
        When the generation has no readable checkpoint.
    LogTruncated
        When the stream's log is shorter than the checkpoint says.
    LeaseLost
        When another trainer took over already.
    """
    settings = process.settings
    patient = patiently(process.stop.is_giving_up, process.metrics)
    checkpoints = Checkpoints(process.artifacts_dir, generation)
    state, next_offsets = checkpoints.open_newest(process.learning, settings)
    patient(equipment.publisher.take_changelog_lane, state.changelog_lane)
    state.learner.pace = process.reverts.pace
    patient(_seek, equipment.source, process.start, next_offsets)
    erasures = patient(open_erasures, process.outlets.store, equipment.source, process.clock)
    categories = patient(lambda: ItemCategories(process.outlets.store.read_items()))
    process.status.state = "training"
    structlog.get_logger().info(
        "training", generation=generation, next_offsets=next_offsets, n_users=len(state.user_ids)
    )
    loop = StreamTrainer(
        state,
        Surroundings(
            source=equipment.source,
            store=process.outlets.store,
            publisher=equipment.publisher,
            checkpoints=checkpoints,
            lease=equipment.lease,
            metrics=process.metrics,
            clock=process.clock,
            is_superseded=partial(equipment.is_over, state),
            stop=process.stop,
            erasures=erasures,
            live_index=equipment.live_index,
            reverts=process.reverts,
        ),
        LearningRules(weights_of(process), settings.value_weight, categories.neighbours, categories.labels),
        categories,
        settings,
    )
    erasures.settle(equipment.source.next_offsets())
    loop.erase(patient(_erased_since, process, state, erasures, next_offsets))
    state.log = erasures.log
    return OpenTrainer(loop, state)


def _erased_since(
    process: TrainerProcess, state: TrainerState, erasures: ErasureReader, next_offsets: Offsets
) -> list[str]:
    """Return the users of a checkpoint who were erased after it was written.

    In another log, or behind the end of one that was cut, its places say nothing. Then all who were ever
    erased: who of them came back will be learned again.
    """
    user_ids = state.user_ids.ids()
    if process.start == "checkpoint" or erasures.is_of(state.log, next_offsets):
        return erasures.begin(user_ids, next_offsets)
    return ever_erased(process.outlets.store, user_ids)


def weights_of(process: TrainerProcess) -> EventWeights:
    """Return what each type of event weighs."""
    return EventWeights(process.settings.event_weights, process.settings.default_event_weight)


def _seek(source: EventSource, start: Start, next_offsets: Offsets) -> None:
    if start == "earliest":
        source.seek({})
    elif start == "latest":
        source.seek(source.end_offsets())
    else:
        source.seek(next_offsets)
