"""The context of a trainer in a role: made once, when its generation's state is restored."""

from dataclasses import dataclass
from functools import partial

from streamrec.adapters.files.snapshot_retention import predicted_path
from streamrec.learning.absorb import processor_time
from streamrec.learning.commands import commands_read
from streamrec.learning.item_starts import follow_chosen
from streamrec.learning.reverts import Reverts
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.state.user_cohorts import complete_cohorts
from streamrec.ports import EventSource, Metrics, Offsets, TrainerStore
from streamrec.process.erasures import ever_erased, open_erasures
from streamrec.process.retries import patiently
from streamrec.process.scoped_metrics import metrics_of
from streamrec.process.stream_loop import StreamContext
from streamrec.promotion.roles import HeldRole
from streamrec.publishing.challenger import ChallengerPublisher
from streamrec.publishing.publisher import Changelog, Publisher
from streamrec.settings.processes import TrainerSettings
from streamrec.shadow.live_index import LiveIndex
from streamrec.shadow.predicted_events import PredictedEvents
from streamrec.trainer.trainer_process import Start, TrainerProcess


@dataclass(frozen=True)
class TrainerContext(StreamContext):
    """State of a generation, and what it is trained and published with.

    Attributes
    ----------
    predicted
        Keeps the ranks of the newest events that were predicted; None: they are not kept.
    erased_users
        Users of the restored state who were erased since it was written.
    is_new_log
        Whether the stream goes on in another log than that of the checkpoint.
    """

    state: TrainerState
    categories: ItemCategories
    rules: LearningRules
    settings: TrainerSettings
    store: TrainerStore
    publisher: Publisher
    checkpoints: Checkpoints
    reverts: Reverts
    live_index: LiveIndex | None = None
    predicted: PredictedEvents | None = None
    erased_users: tuple[str, ...] = ()
    is_new_log: bool = False

    def processor_time(self) -> float:
        """Return the processor seconds of the loop, and of the learning beside it."""
        return processor_time()

    def close(self) -> None:
        """End the threads of whatever works beside the loop, and keep what was predicted."""
        if self.live_index is not None:
            self.live_index.close()
        self.publisher.close()
        if self.predicted is not None:
            self.predicted.save()


def open_context(
    process: TrainerProcess, held: HeldRole, source: EventSource, start: Start = "checkpoint"
) -> TrainerContext:
    """Restore the newest checkpoint of the role's generation, and bring the source to where it goes on.

    Raises
    ------
    CorruptArtifact
        When the generation has no readable checkpoint.
    LogTruncated
        When the stream's log is shorter than the checkpoint says.
    LeaseLost
        When another trainer took over already.
    """
    settings, store = process.settings, process.sinks.store
    metrics = metrics_of(held.role, process.metrics)
    patient = patiently(process.stop.is_giving_up, metrics)
    checkpoints = Checkpoints(process.artifacts_dir, held.generation)
    state, next_offsets = checkpoints.open_newest(process.learning, settings)
    if checkpoints.n_refused:
        metrics.count("checkpoint_failures", checkpoints.n_refused)
    state.learner.pace = process.reverts.pace
    kind = Publisher if held.role == "champion" else ChallengerPublisher
    changelog = Changelog(held.generation, state.changelog_slot, partial(commands_read, source))
    # Neither this nor the index's looks have threads before they are given something to do.
    publisher = kind(process.sinks, changelog, lambda: held.lease.lease, metrics, process.stop.is_giving_up)
    patient(publisher.claim_changelog)
    patient(_seek, source, start, next_offsets)
    erasures = patient(open_erasures, store, source, process.clock)
    categories = patient(lambda: ItemCategories(store.read_items(), settings.content_fields))
    erasures.settle(source.next_offsets())
    user_ids = state.user_ids.ids()
    # In another log, or behind the end of one that was cut, the checkpoint's offsets say nothing. Then all go
    # who were ever erased: who of them came back will be learned again.
    if start == "checkpoint" or erasures.is_of(state.log, next_offsets):
        erased = erasures.begin(user_ids, next_offsets)
    else:
        erased = patient(ever_erased, store, user_ids)
    state.log = erasures.log
    follow_chosen(state, categories.contents)
    patient(_read_cohorts, state, store, start)
    return TrainerContext(
        source=source,
        erasures=erasures,
        repeats=state.repeats,
        lease=held.lease,
        metrics=metrics,
        clock=process.clock,
        stop=process.stop,
        state=state,
        categories=categories,
        rules=LearningRules(settings.weights, settings.value_weight, categories.contents, categories.labels),
        settings=settings,
        store=store,
        publisher=publisher,
        checkpoints=checkpoints,
        reverts=process.reverts,
        live_index=_live_index(process, metrics),
        predicted=PredictedEvents(predicted_path(process.artifacts_dir, held.generation)),
        erased_users=tuple(erased),
        is_new_log=start != "checkpoint",
    )


def _live_index(process: TrainerProcess, metrics: Metrics) -> LiveIndex | None:
    if process.index is None:
        return None
    return LiveIndex(process.index, process.settings.look_ups_per_s, metrics, process.clock)


def _read_cohorts(state: TrainerState, store: TrainerStore, start: Start) -> None:
    if start != "checkpoint":
        # What changed may have been ordered in the log that is gone.
        state.cohorts.note_read(is_read=False)
    complete_cohorts(state, store.read_attributes)


def _seek(source: EventSource, start: Start, next_offsets: Offsets) -> None:
    if start == "earliest":
        source.seek({})
    elif start == "latest":
        source.seek(source.end_offsets())
    else:
        source.seek(next_offsets)
