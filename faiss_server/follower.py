"""Keeps one generation's index in step with the logs."""

from collections.abc import Callable

import msgspec
import structlog

from faiss_server.changes import ChangeApplier
from faiss_server.kinds import ITEMS, Kind
from streamrec.errors import LogTruncated
from streamrec.ports import EventSource, Metrics, Offsets, n_between
from streamrec.telemetry import timed

_MAX_RECORDS = 2000
"""Records taken at once: some 40 ms of work, well under the second in which a change must be visible."""

_LAG_INTERVAL_S = 1.0

_log = structlog.get_logger()


def stand_at(source: EventSource, next_offsets: Offsets) -> bool:
    """Go on from these offsets, or from the beginning of a log that was replaced or cut since: False then.

    Vectors and deletions are absolute: reading some once more changes nothing in the end. Whether what is
    gone mattered, the trainer says; it publishes all again when it goes on.
    """
    try:
        source.seek(next_offsets)
    except LogTruncated as error:
        _log.warning("log_begun_again", reason=str(error))
        source.seek({})
        return False
    return True


class FollowerStats(msgspec.Struct, frozen=True):
    """Progress of an index that follows the logs.

    Attributes
    ----------
    next_offsets
        Of both logs: reading goes on there.
    lag
        Records that were still to be read when last looked.
    staleness_s
        Age of the newest vector applied; None before the first. Grows while nothing is published.
    visible_after_s
        Seconds from its publication until the newest vector was visible.
    n_rejected
        Records that could not be read, or whose vector does not fit.
    problem
        Reason why the index can't follow; None when all is well.
    """

    next_offsets: Offsets
    lag: int
    staleness_s: float | None
    visible_after_s: float | None
    n_applied: int
    n_rejected: int
    is_caught_up: bool
    problem: str | None


class ChangelogFollower:
    """Reads the logs of vectors and commands for one index. One thread calls `step`."""

    def __init__(
        self,
        applier: ChangeApplier,
        vectors: EventSource,
        commands: EventSource,
        metrics: Metrics,
        clock: Callable[[], float],
        kind: Kind = ITEMS,
    ) -> None:
        """Read from sources that stand where to go on; `clock` gives Unix seconds."""
        self._applier = applier
        self._vectors = vectors
        self._commands = commands
        self._metrics = metrics
        self._clock = clock
        self._prefix = kind.metrics
        self._visible_after_s: float | None = None
        self._lag = 0
        self._lag_seen_at = float("-inf")
        self._target: Offsets | None = None
        self._is_caught_up = False
        self._problem: str | None = None

    @property
    def is_caught_up(self) -> bool:
        """True once the index has everything that the logs held when following began."""
        return self._is_caught_up

    def step(self, timeout_s: float) -> None:
        """Apply what has arrived; wait up to `timeout_s` for something.

        Commands first: an order to delete must be known before older vectors of the item are read.
        """
        try:
            self._read(timeout_s)
        except LogTruncated as error:
            _log.warning("log_begun_again", reason=str(error))
            self._applier.begin_logs_again()
            for source in (self._commands, self._vectors):
                source.seek({})

    def _read(self, timeout_s: float) -> None:
        while orders := self._commands.poll(_MAX_RECORDS, 0.0):
            self._applier.apply_commands(orders)
        # Nothing to wait for while catching up with a log that may be empty.
        records = self._vectors.poll(_MAX_RECORDS, timeout_s if self._is_caught_up else 0.0)
        now = self._clock()
        if records:
            before = self._applier.newest_published_at
            with timed(self._metrics, f"{self._prefix}.apply"):
                self._applier.apply_vectors(records)
            self._note_delay(before)
        if now - self._lag_seen_at >= _LAG_INTERVAL_S or not self._is_caught_up:
            self._measure_lag(now)

    def stats(self) -> FollowerStats:
        """Return the progress of now."""
        newest = self._applier.newest_published_at
        return FollowerStats(
            next_offsets=self._vectors.next_offsets() | self._commands.next_offsets(),
            lag=self._lag,
            staleness_s=None if newest is None else self._clock() - newest,
            visible_after_s=self._visible_after_s,
            n_applied=self._applier.n_applied,
            n_rejected=self._applier.n_rejected,
            is_caught_up=self._is_caught_up,
            problem=self._problem,
        )

    def note_problem(self, problem: str | None) -> None:
        """Say in the statistics why `step` failed, or that it did not."""
        self._problem = problem

    def close(self) -> None:
        """Release the connections to the logs."""
        self._vectors.close()
        self._commands.close()

    def _note_delay(self, before: float | None) -> None:
        newest = self._applier.newest_published_at
        if newest is not None and newest != before:
            self._visible_after_s = self._clock() - newest
            self._metrics.timing(f"{self._prefix}.visible_after", self._visible_after_s * 1000)

    def _measure_lag(self, now: float) -> None:
        ends = self._vectors.end_offsets() | self._commands.end_offsets()
        if self._target is None:
            self._target = ends
        reached = self._vectors.next_offsets() | self._commands.next_offsets()
        self._lag = n_between(reached, ends)
        self._lag_seen_at = now
        # A busy log's end moves on: what it held at first is what a restart owes.
        self._is_caught_up = self._is_caught_up or n_between(reached, self._target) == 0
        self._metrics.gauge(f"{self._prefix}.lag_records", self._lag)
