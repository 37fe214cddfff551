"""The life of the process: take the lease, go on from the checkpoint, follow the logs, hand over."""

from contextlib import closing

import structlog

from streamrec.attribution.context import AttributionProcess, open_context
from streamrec.attribution.handler import AttributionHandler
from streamrec.attribution.two_logs import TwoLogs
from streamrec.errors import LogTruncated
from streamrec.process.lease import LeaseKeeper
from streamrec.process.retries import until_stopped
from streamrec.process.standby import work_under_lease
from streamrec.process.stream_loop import StreamLoop

NAME = "attribution"
"""Of the lease, and of the group under which offsets are committed."""


def run_attribution(process: AttributionProcess) -> None:
    """Attribute until told to stop. A lost lease, or a log that was cut, means to start over.

    Raises
    ------
    CorruptArtifact
        When the checkpoint is damaged, or of another version.
    """
    lease = LeaseKeeper(process.store, NAME, process.owner, process.settings.lease_duration_s, process.clock)
    stop, status, metrics = process.stop, process.status, process.metrics
    work_under_lease(lease, lambda held: _follow(process, held), stop, status, metrics)


def _follow(process: AttributionProcess, lease: LeaseKeeper) -> None:
    opened: TwoLogs | None = until_stopped(process.stop.is_stopping, process.metrics)(process.open_logs, NAME)
    if opened is None:
        return
    with closing(opened) as logs:
        try:
            context = open_context(process, lease, logs)
            process.status.state = "following"
            structlog.get_logger().info("following", next_offsets=logs.next_offsets())
            StreamLoop(context, AttributionHandler(context), process.settings).run()
        except LogTruncated as error:
            structlog.get_logger().warning("log_truncated", error=str(error))
