"""The life of a trainer process: stand by, take the lease, go on from the checkpoint, stream, hand over."""

from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import structlog

from streamrec.domain.interaction import EventWeights
from streamrec.errors import LeaseLost, LogTruncated, Unavailable
from streamrec.ports import EventSource, IndexLookup, Metrics, Offsets
from streamrec.settings import LearningSettings, TrainerSettings
from streamrec.training.absorb import LearningRules
from streamrec.training.categories import ItemCategories
from streamrec.training.checkpoints import Checkpoints
from streamrec.training.learner import use_one_thread
from streamrec.training.lease import LeaseKeeper, owner_name
from streamrec.training.live_index import LiveIndex
from streamrec.training.patience import patiently
from streamrec.training.publisher import Outlets, Publisher
from streamrec.training.status import TrainerStatus
from streamrec.training.stop_signals import StopRequest
from streamrec.training.stream import StreamTrainer, Surroundings
from streamrec.training.trainer_state import TrainerState

LEASE_NAME = "trainer"

Start = Literal["checkpoint", "earliest", "latest"]

_STANDBY_PAUSE_S = 1.0

_MEND = (
    "to go on nevertheless, run `python incremental_training.py --start earliest` (the log was replaced, or"
    " lost its beginning: all of it is new) or `--start latest` (the log lost its end: what is left was"
    " learned already)"
)


@dataclass(frozen=True)
class TrainerProcess:
    """What the composition root hands over.

    Attributes
    ----------
    current_generation
        Returns the live generation's name, None before the first.
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
    """

    source: EventSource
    outlets: Outlets
    metrics: Metrics
    artifacts_dir: Path
    current_generation: Callable[[], str | None]
    learning: LearningSettings
    settings: TrainerSettings
    start: Start
    stop: StopRequest
    clock: Callable[[], float]
    status: TrainerStatus = field(default_factory=TrainerStatus)
    owner: str = field(default_factory=owner_name)
    index: IndexLookup | None = None


def run_trainer(process: TrainerProcess) -> None:
    """Train until told to stop. A lost lease, or a new generation, means to start over from a checkpoint.

    Raises
    ------
    CorruptArtifact
        When the generation has no readable checkpoint.
    LogTruncated
        When the stream's log is shorter than the checkpoint says.
    """
    use_one_thread()
    with closing(process.index) if process.index is not None else nullcontext():
        _train_generations(process)


def _train_generations(process: TrainerProcess) -> None:
    patient = patiently(process.stop.is_giving_up, process.metrics)
    lease = LeaseKeeper(
        process.outlets.store, LEASE_NAME, process.owner, process.settings.lease_duration_s, process.clock
    )
    stopping = process.stop.is_stopping

    def on_standby() -> None:
        process.status.state = "standing by"

    def wait_a_little(duration_s: float) -> None:
        # A gauge would keep its last value after the last standby's end; a counter that rests is seen.
        process.metrics.count("trainer.heartbeats.standby")
        stopping.wait(duration_s)

    while generation := _wait_for_generation(process):
        process.status.state = "starting"
        if not patient(lease.wait, stopping.is_set, wait_a_little, on_standby):
            return
        try:
            _train(process, generation, lease)
        except LeaseLost as error:
            structlog.get_logger().warning("lease_lost", error=str(error))
        except LogTruncated as error:
            raise LogTruncated(f"{error}; {_MEND}") from error
        finally:
            with suppress(Unavailable):  # it runs out by itself
                lease.release()
        # A start by choice is made once: its first step leaves a checkpoint of the new log.
        process = replace(process, start="checkpoint")


def _train(process: TrainerProcess, generation: str, lease: LeaseKeeper) -> None:
    metrics, settings = process.metrics, process.settings
    publisher = Publisher(
        process.outlets, generation, lambda: lease.lease, metrics, process.stop.is_giving_up
    )
    live_index = None
    if process.index is not None:
        live_index = LiveIndex(process.index, settings.look_ups_per_s, metrics, process.clock)
    try:
        trainer = open_trainer(process, generation, lease, publisher, live_index)
        if process.start != "checkpoint":
            trainer.begin_another_log()
        try:
            trainer.run()
        except LogTruncated:
            trainer.checkpoint()  # the log is gone: what was learned from it since the last one need not be
            raise
    finally:
        if live_index is not None:
            live_index.close()
        publisher.close()


def _wait_for_generation(process: TrainerProcess) -> str | None:
    is_announced = False
    while not process.stop.is_stopping.is_set():
        generation = process.current_generation()
        if generation is not None:
            return generation
        if not is_announced:
            process.status.state = "waiting for a model"
            structlog.get_logger().info(
                "waiting_for_a_model", folder=str(process.artifacts_dir), mend="run initial_training.py"
            )
            is_announced = True
        process.stop.is_stopping.wait(_STANDBY_PAUSE_S)
    return None


def open_trainer(
    process: TrainerProcess,
    generation: str,
    lease: LeaseKeeper,
    publisher: Publisher,
    live_index: LiveIndex | None = None,
) -> StreamTrainer:
    """Bring a trainer to where its generation's newest checkpoint was written.

    Raises
    ------
    CorruptArtifact
        When the generation has no readable checkpoint.
    LogTruncated
        When the stream's log is shorter than the checkpoint says.
    """
    settings = process.settings
    patient = patiently(process.stop.is_giving_up, process.metrics)
    checkpoints = Checkpoints(process.artifacts_dir, generation)
    state = TrainerState(generation, process.learning, settings)
    next_offsets = checkpoints.restore_newest(state)
    patient(_seek, process, next_offsets)
    categories = patient(lambda: ItemCategories(process.outlets.store.read_items()))
    process.status.state = "training"
    structlog.get_logger().info(
        "training", generation=generation, next_offsets=next_offsets, n_users=len(state.user_ids)
    )
    return StreamTrainer(
        state,
        Surroundings(
            source=process.source,
            store=process.outlets.store,
            publisher=publisher,
            checkpoints=checkpoints,
            lease=lease,
            metrics=process.metrics,
            clock=process.clock,
            is_superseded=lambda: process.current_generation() != generation,
            stop=process.stop,
            live_index=live_index,
        ),
        LearningRules(
            EventWeights(settings.event_weights, settings.default_event_weight),
            settings.value_weight,
            categories.neighbours,
        ),
        categories,
        settings,
    )


def _seek(process: TrainerProcess, next_offsets: Offsets) -> None:
    source = process.source
    if process.start == "earliest":
        source.seek({})
    elif process.start == "latest":
        source.seek(source.end_offsets())
    else:
        source.seek(next_offsets)
