"""The life of the process: take the lease, go on from the checkpoint, follow the stream, hand over."""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from tenacity import Retrying

from streamrec.bars.checkpoint import NOTHING, HistoryCheckpoint
from streamrec.bars.decoding import TickRules
from streamrec.bars.publishing import HistoryPublishing, Waiting
from streamrec.bars.stream import HistoryStream, Kept, Surroundings
from streamrec.domain.bars.minute_table import MinuteTable
from streamrec.domain.events.repeats import RecentIds
from streamrec.errors import LeaseLost, LogTruncated, Unavailable
from streamrec.ports import CachePublisher, EventSource, KeeperStore, Metrics
from streamrec.process.erasures import open_erasures
from streamrec.process.lease import LeaseKeeper, owner_name
from streamrec.process.retries import patiently
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.settings.processes import BarsSettings

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
        Keeps the lease, and the record of erasures.
    clock
        Unix seconds.
    status
        Told what is being done.
    owner
        Names this process among those that want the lease.
    """

    open_source: Callable[[str], EventSource]
    store: KeeperStore
    cache: CachePublisher
    metrics: Metrics
    artifacts_dir: Path
    rules: TickRules
    settings: BarsSettings
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
    patient = patiently(process.stop.is_giving_up, process.metrics)
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
        process.metrics.count("heartbeats.standby")
        process.stop.is_stopping.wait(process.settings.lease_duration_s / _LOOKS_PER_LEASE)
    return False


def _follow(process: HistoryProcess, lease: LeaseKeeper, source: EventSource, patient: Retrying) -> None:
    settings = process.settings
    checkpoint = HistoryCheckpoint(process.artifacts_dir / CHECKPOINT_FILE)
    history = MinuteTable(settings.window, settings.max_items)
    restored = checkpoint.restore(history) or NOTHING
    try:
        patient(source.seek, restored.next_offsets)
    except LogTruncated as error:
        # All that we hold is made of the log: of another log, another history.
        structlog.get_logger().warning("history_begins_anew", because=str(error))
        gone = [*restored.waiting.forgotten, *history.ids.ids_at(range(history.ids.n_rows))]
        history = MinuteTable(settings.window, settings.max_items)
        restored = NOTHING._replace(waiting=Waiting(NOTHING.waiting.cells, gone))
        patient(source.seek, restored.next_offsets)
        # A crash from now on must not meet the old log's offsets again, which the new one may have by then.
        patient(checkpoint.write, history, restored)
    erasures = patient(open_erasures, process.store, source, process.clock)
    erasures.settle(source.next_offsets())
    process.status.state = "following"
    structlog.get_logger().info("following", next_offsets=restored.next_offsets, n_items=len(history.ids))
    process.cache.write_under(lambda: lease.lease)
    publishing = HistoryPublishing(history, process.cache, settings, process.metrics, process.clock)
    publishing.note_waiting(restored.waiting)
    surroundings = Surroundings(
        source, publishing, checkpoint, lease, process.metrics, process.clock, process.stop, erasures
    )
    kept = Kept(history, RecentIds(settings.dedupe_window, restored.event_ids))
    HistoryStream(kept, surroundings, process.rules, settings).run()
