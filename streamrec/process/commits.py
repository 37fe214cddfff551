"""Step 7 of the loop: the group's progress is told to the log, for the usual lag tools."""

from streamrec.errors import Unavailable
from streamrec.log_limits import warn_seldom
from streamrec.ports import EventSource, Metrics, Offsets
from streamrec.telemetry import timed


class Commits:
    """Commits once a checkpoint holds what was read.

    Nothing that we do depends on a commit, so one that fails is said and counted, and made up for after the
    next checkpoint.
    """

    def __init__(self, source: EventSource, metrics: Metrics) -> None:
        self._source = source
        self._metrics = metrics
        self._committed: Offsets | None = None

    def commit(self, next_offsets: Offsets) -> None:
        """Commit once what is not committed yet.

        Raises
        ------
        ConfigurationError
            When the log refuses us.
        """
        if next_offsets == self._committed:
            return
        try:
            with timed(self._metrics, "commit"):
                self._source.commit(next_offsets)
        except Unavailable as error:
            self._metrics.count("commit_failures")
            warn_seldom("commit_failed", error=str(error))
        else:
            self._committed = next_offsets
