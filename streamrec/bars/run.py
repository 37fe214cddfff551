"""The life of the process: take the lease, go on from the checkpoint, follow the stream, hand over."""

from contextlib import closing

import structlog

from streamrec.bars.context import BarsProcess, open_context
from streamrec.bars.handler import BarsHandler
from streamrec.errors import LogTruncated
from streamrec.ports import EventSource
from streamrec.process.lease import LeaseKeeper
from streamrec.process.retries import until_stopped
from streamrec.process.standby import work_under_lease
from streamrec.process.stream_loop import StreamLoop

NAME = "history"
"""Of the lease, and of the group under which offsets are committed."""


def run_bars(process: BarsProcess) -> None:
    """Keep bars until told to stop. A lost lease, or a log that was cut, means to start over.

    Raises
    ------
    CorruptArtifact
        When the checkpoint is damaged, or of another version.
    """
    lease = LeaseKeeper(process.store, NAME, process.owner, process.settings.lease_duration_s, process.clock)
    stop, status, metrics = process.stop, process.status, process.metrics
    work_under_lease(lease, lambda held: _follow(process, held), stop, status, metrics)


def _follow(process: BarsProcess, lease: LeaseKeeper) -> None:
    opened: EventSource | None = until_stopped(process.stop.is_stopping, process.metrics)(
        process.open_source, NAME
    )
    if opened is None:
        return
    with closing(opened) as source:
        try:
            context = open_context(process, lease, source)
            process.status.state = "following"
            structlog.get_logger().info(
                "following", next_offsets=source.next_offsets(), n_items=len(context.table.ids)
            )
            process.cache.write_under(lambda: lease.lease)
            handler, is_checkpointed = BarsHandler(context), context.is_checkpointed
            StreamLoop(context, handler, process.settings, is_checkpointed=is_checkpointed).run()
        except LogTruncated as error:
            structlog.get_logger().warning("log_truncated", error=str(error))
