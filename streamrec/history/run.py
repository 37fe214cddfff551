"""The life of the process: take the lease, go on from the checkpoint, follow the stream, hand over."""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from tenacity import Retrying

from streamrec.domain.item_history import ItemHistory
from streamrec.domain.repeats import RecentIds
from streamrec.errors import LeaseLost, LogTruncated, Unavailable
from streamrec.history.checkpoint import HistoryCheckpoint
from streamrec.history.decoding import TickRules
from streamrec.history.publishing import HistoryPublishing
from streamrec.history.stream import HistoryStream, Kept, Surroundings
from streamrec.ports import CachePublisher, EventSource, LeaseStore, Metrics, Offsets
from streamrec.settings import HistorySettings
from streamrec.training.lease import LeaseKeeper, owner_name
from streamrec.training.patience import patiently
from streamrec.training.roles import RenamedMetrics
from streamrec.training.status import TrainerStatus
from streamrec.training.stop_signals import StopRequest

NAME = "history"
"""Of the lease, and of the group under which offsets are committed."""

CHECKPOINT_FILE = "item-history.npz"

_LOOKS_PER_LEASE = 3


@dataclass(frozen=True)
class HistoryProcess:
    """What the composition root hands over.

    Attributes
    ----------
    open_source
        Opens a reader of the events that commits under a group's name.
    store
        Keeps the lease.
    clock
        Unix seconds.
    status
        Told what is being done.
    owner
        Names this process among those that want the lease.
    """

    open_source: Callable[[str], EventSource]
    store: LeaseStore
    cache: CachePublisher
    metrics: Metrics
    artifacts_dir: Path
    rules: TickRules
    settings: HistorySettings
    stop: StopRequest
    clock: Callable[[], float]
    status: TrainerStatus = field(default_factory=TrainerStatus)
    owner: str = field(default_factory=owner_name)


def run_history(process: HistoryProcess) -> None:
    """Keep histories until told to stop. A lost lease, or a log that was cut, means to start over.

    Raises
    ------
    CorruptArtifact
        When the checkpoint is damaged, or of another version.
    """
    patient = patiently(process.stop.is_giving_up, RenamedMetrics(process.metrics, NAME))
    lease = LeaseKeeper(process.store, NAME, process.owner, process.settings.lease_duration_s, process.clock)
    while _take(lease, process, patient):
        try:
            with closing(process.open_source(NAME)) as source:
                _follow(process, lease, source, patient)
        except LeaseLost as error:
            structlog.get_logger().warning("lease_lost", error=str(error))
        except LogTruncated as error:
            structlog.get_logger().warning("log_truncated", error=str(error))
        finally:
            with suppress(Unavailable):  # it runs out by itself
                lease.release()


def _take(lease: LeaseKeeper, process: HistoryProcess, patient: Retrying) -> bool:
    """Wait until the lease is ours; False when told to stop before."""
    while not process.stop.is_stopping.is_set():
        if patient(lease.acquire):
            return True
        process.status.state = "standing by"
        process.metrics.count("history.heartbeats.standby")
        process.stop.is_stopping.wait(process.settings.lease_duration_s / _LOOKS_PER_LEASE)
    return False


def _follow(process: HistoryProcess, lease: LeaseKeeper, source: EventSource, patient: Retrying) -> None:
    settings = process.settings
    checkpoint = HistoryCheckpoint(process.artifacts_dir / CHECKPOINT_FILE)
    kept, next_offsets = _kept(checkpoint, settings)
    try:
        patient(source.seek, next_offsets)
    except LogTruncated as error:
        # All that we hold is made of the log: of another log, another history.
        structlog.get_logger().warning("history_begins_anew", because=str(error))
        kept, next_offsets = _nothing_kept(settings), {}
        patient(source.seek, next_offsets)
    process.status.state = "following"
    n_items = len(kept.history.ids)
    structlog.get_logger().info("following", next_offsets=next_offsets, n_items=n_items)
    publishing = HistoryPublishing(kept.history, process.cache, settings, process.metrics, process.clock)
    surroundings = Surroundings(
        source, publishing, checkpoint, lease, process.metrics, process.clock, process.stop
    )
    HistoryStream(kept, surroundings, process.rules, settings).run()


def _kept(checkpoint: HistoryCheckpoint, settings: HistorySettings) -> tuple[Kept, Offsets]:
    kept = _nothing_kept(settings)
    about = checkpoint.restore(kept.history)
    if about is None:
        return kept, {}
    repeats = RecentIds(settings.dedupe_window, about.event_ids)
    return Kept(kept.history, repeats), about.next_offsets


def _nothing_kept(settings: HistorySettings) -> Kept:
    return Kept(ItemHistory(settings.window, settings.max_items), RecentIds(settings.dedupe_window))
