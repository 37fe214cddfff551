"""The context of the attribution: made once, when its checkpoint is restored."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from streamrec.attribution.checkpoint import AttributionCheckpoint, Saved
from streamrec.attribution.definitions import Definitions
from streamrec.attribution.inputs import ErasedUsers, KindRules
from streamrec.attribution.reporting import Reporting, Reports, ResultsOf
from streamrec.attribution.state.attribution_state import AttributionState
from streamrec.attribution.state.saved_state import Limits
from streamrec.attribution.two_logs import TwoLogs
from streamrec.domain.events.repeats import RecentIds
from streamrec.errors import LogTruncated
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, AttributionStore, Metrics, Offsets
from streamrec.process.erasures import open_erasures
from streamrec.process.lease import LeaseKeeper, owner_name
from streamrec.process.retries import patiently
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.process.stream_loop import StreamContext
from streamrec.settings.attribution import AttributionSettings

CHECKPOINT_FILE = "attribution.msgpack"


class Clock(Protocol):
    """Unix seconds, which never go back."""

    def __call__(self) -> float:
        """Return the time."""

    def go_on_from(self, at: float) -> None:
        """Tell no time before this one."""


@dataclass(frozen=True)
class AttributionProcess:
    """Parts that the composition root hands over.

    Attributes
    ----------
    open_logs
        Opens a reader of both topics that commits under a group's name.
    store
        Keeps the lease, the record of erasures, the definitions and the results.
    results_of
        Works results out of counts.
    metrics
        Scoped to the process.
    clock
        Unix seconds.
    status
        Told what is being done.
    owner
        Names this process among those that want the lease.
    """

    open_logs: Callable[[str], TwoLogs]
    store: AttributionStore
    results_of: ResultsOf
    metrics: Metrics
    artifacts_dir: Path
    rules: KindRules
    settings: AttributionSettings
    stop: StopRequest
    clock: Clock
    status: TrainerStatus = field(default_factory=TrainerStatus)
    owner: str = field(default_factory=owner_name)


@dataclass(frozen=True)
class AttributionContext(StreamContext):
    """Parts that are attributed with.

    Attributes
    ----------
    logs
        The source.
    log_names
        Identity of each topic's log.
    """

    logs: TwoLogs
    log_names: dict[str, str]
    state: AttributionState
    definitions: Definitions
    erased: ErasedUsers
    reporting: Reporting
    checkpoint: AttributionCheckpoint
    rules: KindRules


def open_context(process: AttributionProcess, lease: LeaseKeeper, logs: TwoLogs) -> AttributionContext:
    """Restore the checkpoint, and bring the logs to where it goes on.

    Raises
    ------
    CorruptArtifact
        When the checkpoint is damaged, or of another version.
    """
    settings = process.settings
    patient = patiently(process.stop.is_giving_up, process.metrics)
    checkpoint = AttributionCheckpoint(process.artifacts_dir / CHECKPOINT_FILE)
    saved = checkpoint.read_newest(AttributionCheckpoint.read, process.metrics) or Saved()
    # By a clock that was set back since, lists would come before their experiment, and clicks before lists.
    process.clock.go_on_from(saved.at)
    log_names = patient(_seek, logs, saved, checkpoint)
    erasures = patient(open_erasures, process.store, logs, process.clock)
    erasures.settle(logs.next_offsets())
    state = AttributionState(_limits(settings), saved.state)
    reports = Reports(process.store, process.metrics, process.clock, process.results_of)
    definitions = Definitions(process.store, settings.definitions_interval_s, process.clock, process.metrics)
    if definitions.refresh_if_due():
        state.define(definitions.known)
    return AttributionContext(
        source=logs,
        erasures=erasures,
        repeats=RecentIds(settings.dedupe_window, saved.event_ids),
        lease=lease,
        metrics=process.metrics,
        clock=process.clock,
        stop=process.stop,
        logs=logs,
        log_names=log_names,
        state=state,
        definitions=definitions,
        erased=patient(ErasedUsers, process.store),
        reporting=Reporting(state, lease, settings, reports, saved.results),
        checkpoint=checkpoint,
        rules=process.rules,
    )


def _limits(settings: AttributionSettings) -> Limits:
    return Limits(
        settle_s=settings.settle_s,
        waiting=settings.max_waiting,
        lists=settings.max_lists,
        rates=settings.max_rates,
        users=settings.max_users,
        request_ids=settings.dedupe_window,
    )


def _seek(logs: TwoLogs, saved: Saved, checkpoint: AttributionCheckpoint) -> dict[str, str]:
    """Bring the logs to where a checkpoint goes on; return their identities.

    What was counted is not in the log alone, so a log that lost records, or that is another one, costs no
    counts: what it holds that was not read yet is read, from its beginning where that is not known.
    """
    try:
        logs.seek(saved.next_offsets)
        return _names(logs)
    except LogTruncated as error:
        structlog.get_logger().warning("records_lost", because=str(error))
    names = _names(logs)
    is_same = all(names[topic] == saved.logs.get(topic) for topic in names)
    offsets = _within(saved.next_offsets, logs.end_offsets()) if is_same else {}
    for left_out in ((), (COMMANDS,), (INTERACTIONS,), (IMPRESSIONS,), tuple(saved.next_offsets)):
        try:
            logs.seek({topic: at for topic, at in offsets.items() if topic not in left_out})
            break
        except LogTruncated:
            continue  # that topic goes on where it begins now
    saved.next_offsets, saved.logs = logs.next_offsets(), names
    # A crash from now on must not meet the lost offsets again, which the log may give out anew.
    checkpoint.write(saved)
    return names


def _names(logs: TwoLogs) -> dict[str, str]:
    return {topic: logs.identity_of(topic) for topic in (INTERACTIONS, IMPRESSIONS)}


def _within(offsets: Offsets, ends: Offsets) -> Offsets:
    """Return offsets none of which is behind a log's end."""
    return {
        topic: {
            partition: min(offset, ends[topic][partition])
            for partition, offset in partitions.items()
            if partition in ends.get(topic, {})
        }
        for topic, partitions in offsets.items()
    }
