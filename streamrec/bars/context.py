"""The context of a keeper of bars: made once, when its checkpoint is restored."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from streamrec.bars.checkpoint import NOTHING, BarsCheckpoint, Restored
from streamrec.bars.publishing import BarsPublishing, Waiting
from streamrec.bars.ticks import TickRules
from streamrec.domain.bars.minute_table import MinuteTable
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.rows.newest_ids import NewestIds
from streamrec.errors import LogTruncated
from streamrec.ports import COMMANDS, CachePublisher, EventSource, KeeperStore, Metrics, Offsets
from streamrec.process.erasures import open_erasures
from streamrec.process.lease import LeaseKeeper, owner_name
from streamrec.process.retries import patiently
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.process.stream_loop import StreamContext
from streamrec.settings.processes import BarsSettings

CHECKPOINT_FILE = "item-history.npz"

_MAX_DELETED = 100_000
"""Some 10 MB; of those beyond, late ticks make bars of the deleted, until they are silent longest."""


@dataclass(frozen=True)
class BarsProcess:
    """Parts that the composition root hands over.

    Attributes
    ----------
    open_source
        Opens a reader of the events that commits under a group's name.
    store
        Keeps the lease, and the record of erasures.
    metrics
        Scoped to the process.
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


@dataclass(frozen=True)
class BarsContext(StreamContext):
    """The bars that are kept, and what they are kept and published with.

    Attributes
    ----------
    deleted
        Items whose ticks do not count: events about them may still be under way.
    is_checkpointed
        Whether the checkpoint goes on where the source stands.
    """

    table: MinuteTable
    publishing: BarsPublishing
    checkpoint: BarsCheckpoint
    rules: TickRules
    deleted: NewestIds
    is_checkpointed: bool = True


def open_context(process: BarsProcess, lease: LeaseKeeper, source: EventSource) -> BarsContext:
    """Restore the checkpoint, and bring the source to where it goes on: in another log, to its beginning.

    Raises
    ------
    CorruptArtifact
        When the checkpoint is damaged, or of another version.
    """
    settings = process.settings
    patient = patiently(process.stop.is_giving_up, process.metrics)
    checkpoint = BarsCheckpoint(process.artifacts_dir / CHECKPOINT_FILE)
    table, restored = checkpoint.read_newest(partial(_restored, settings), process.metrics) or (
        MinuteTable(settings.window, settings.max_items),
        NOTHING,
    )
    try:
        patient(source.seek, patient(_offsets_to_go_on_from, source, restored))
    except LogTruncated as error:
        # All that we hold is made of the log: of another log, other bars.
        structlog.get_logger().warning("history_begins_anew", because=str(error))
        gone = [*restored.waiting.forgotten, *table.ids.ids_at(range(table.ids.n_rows))]
        table = MinuteTable(settings.window, settings.max_items)
        restored = NOTHING._replace(waiting=Waiting(NOTHING.waiting.cells, gone))
        patient(source.seek, restored.next_offsets)
        # A crash from now on must not meet the old log's offsets again, which the new one may have by then.
        patient(checkpoint.write, table, restored)
    erasures = patient(open_erasures, process.store, source, process.clock)
    erasures.settle(source.next_offsets())
    publishing = BarsPublishing(table, process.cache, settings, process.metrics, process.clock)
    publishing.note_waiting(restored.waiting)
    return BarsContext(
        source=source,
        erasures=erasures,
        repeats=RecentIds(settings.dedupe_window, restored.event_ids),
        lease=lease,
        metrics=process.metrics,
        clock=process.clock,
        stop=process.stop,
        table=table,
        publishing=publishing,
        checkpoint=checkpoint,
        rules=process.rules,
        deleted=NewestIds(_MAX_DELETED, restored.deleted),
        is_checkpointed=not _is_without_commands(restored),
    )


def _restored(settings: BarsSettings, checkpoint: BarsCheckpoint) -> tuple[MinuteTable, Restored] | None:
    """Return what a file holds; None where there is none. What is read in part fills no other table."""
    table = MinuteTable(settings.window, settings.max_items)
    restored = checkpoint.restore(table)
    return None if restored is None else (table, restored)


def _offsets_to_go_on_from(source: EventSource, restored: Restored) -> Offsets:
    """Return a checkpoint's offsets; one of a version before, which read no commands, goes on behind them.

    From their beginning on, items that were created again since would lose their bars.
    """
    if _is_without_commands(restored):
        return {COMMANDS: source.end_offsets().get(COMMANDS, {}), **restored.next_offsets}
    return restored.next_offsets


def _is_without_commands(restored: Restored) -> bool:
    return bool(restored.next_offsets) and COMMANDS not in restored.next_offsets
