"""The stream loop: the one way in which a process follows the log of events.

The numbered protocol; the code names the same steps::

    1. poll        a micro-batch, bounded by size and by the time that it will take
    2. decode      each record once: into events, commands, and what is neither
    3. drop        repeats by event id, and events from before their user's erasure
    4. handle      what is left changes the handler's state
    5. publish     what is due: absolute values, never increments
    6. checkpoint  now and then: handler's state and next offsets in one rename; a large one beside the loop
    7. commit      those offsets, for the lag tools

The promises, wherever the process dies:

* A restart goes on from the offsets of the last checkpoint, with the state that was written with them. In
  steps 1 to 5 the state since then is lost as a whole: its records are read again, and none is skipped.
* What was published of it is published again: absolute values and set memberships, so nothing counts twice.
* In step 6 there is the checkpoint before or the new one, whole, and all that it counts as published is out.
* Between 6 and 7 the committed offsets are older than the checkpoint: tools show too large a lag for a while.
* Whoever lost its lease writes nothing more: every write outside is refused under an older token.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import thread_time
from typing import Protocol

from streamrec.domain.events.repeats import RecentIds
from streamrec.faults.points import fault_point
from streamrec.ports import EventSource, Metrics, Offsets, Record
from streamrec.process.batch_size import BatchSize
from streamrec.process.checkpointing import CheckpointedHandler, Checkpointing
from streamrec.process.commits import Commits
from streamrec.process.decoding import Batch, read_batch
from streamrec.process.erasures import ErasureReader
from streamrec.process.lease import LeaseKeeper
from streamrec.process.progress import Progress
from streamrec.process.retries import patiently, pause_after
from streamrec.process.stop import StopRequest
from streamrec.telemetry import timed

_STATUS_SHARE = 0.05
"""Of the time, at most: rankings of a large catalogue take long to make."""


@dataclass(frozen=True)
class StreamContext:
    """Parts that a stream is followed with. It is made once, when the handler's state is restored.

    Attributes
    ----------
    source
        Stands where the checkpoint was written.
    erasures
        Knows which events of the source no longer count.
    repeats
        Event ids that were seen last: a part of the handler's state.
    metrics
        Scoped to the process.
    clock
        Unix seconds.
    """

    source: EventSource
    erasures: ErasureReader
    repeats: RecentIds
    lease: LeaseKeeper
    metrics: Metrics
    clock: Callable[[], float]
    stop: StopRequest

    def processor_time(self) -> float:
        """Return the processor seconds of the loop, and of what it has done beside it."""
        return thread_time()


class StreamHandler(CheckpointedHandler, Protocol):
    """A process' own part of the loop: what events change, and what goes out."""

    @property
    def is_over(self) -> bool:
        """Whether the loop has to end, other than by being told to stop."""

    def handle(self, batch: Batch) -> None:
        """Change the state (step 4)."""

    def publish_if_due(self, now: float) -> None:
        """Publish what is due (step 5)."""

    def gauges(self, now: float) -> dict[str, float]:
        """Return figures of the moment."""

    def show_status(self, gauges: dict[str, float], now: float) -> None:
        """Show the moment's figures, the loop's own among them, outside; do what is done as often."""

    def finish(self) -> None:
        """Publish at the end what still waits."""


class LoopSettings(Protocol):
    """Sizes and intervals of the loop."""

    @property
    def max_batch(self) -> int:
        """Records in one round at most."""

    @property
    def round_s(self) -> float:
        """Seconds of the processor that a round's records take, about."""

    @property
    def poll_timeout_s(self) -> float:
        """Seconds that a round waits for records."""

    @property
    def status_interval_s(self) -> float:
        """From one status to the next, at least."""

    @property
    def checkpoint_interval_s(self) -> float:
        """From one checkpoint to the next."""


class StreamLoop:
    """Follows all partitions of a stream with one handler.

    Parameters
    ----------
    tail_s
        How long at the end what the log holds by then is still read.
    is_checkpointed
        Whether the last checkpoint holds the handler's state; if not, one is written without a record read.
    is_checkpoint_due
        Whether to write one after the first round.
    """

    def __init__(
        self,
        context: StreamContext,
        handler: StreamHandler,
        settings: LoopSettings,
        *,
        tail_s: float = 0.0,
        is_checkpointed: bool = True,
        is_checkpoint_due: bool = False,
    ) -> None:
        self._context, self._handler, self._settings = context, handler, settings
        self._tail_s = tail_s
        self._patiently = patiently(context.stop.is_giving_up, context.metrics)
        now = context.clock()
        self._progress = Progress(context.source, now)
        self._batch_size = BatchSize(settings.max_batch, settings.round_s, context.processor_time)
        self._commits = Commits(context.source, context.metrics)
        self._checkpointing = Checkpointing(
            handler,
            self._commits,
            context.metrics,
            partial(self._patiently, context.lease.renew_if_due),
            context.source.next_offsets() if is_checkpointed else None,
        )
        self._status_due = now
        self._checkpoint_due = now if is_checkpoint_due else now + settings.checkpoint_interval_s

    def run(self) -> None:
        """Work until told to stop, or the handler is over; then read the tail, publish and checkpoint.

        Raises
        ------
        LeaseLost
            When another process took over: nothing more may be written then.
        LogTruncated
            When the log lost what would have been read next.
        """
        try:
            while not (self._context.stop.is_stopping.is_set() or self._handler.is_over):
                self.step()
            if self._tail_s:
                self._read_tail()
            now = self._context.clock()
            self._handler.publish_if_due(now)
            self._handler.flush()  # a status that is under way would have the last one left out
            self._tell_status(now)
            self._handler.finish()
            self.checkpoint()
        finally:
            self._checkpointing.end()

    def step(self) -> int:
        """Do one round of the protocol; return the number of records read."""
        context, settings = self._context, self._settings
        self._patiently(context.lease.renew_if_due)
        read_before = context.source.next_offsets()
        with timed(context.metrics, "poll"):  # Step 1
            records = self._patiently(context.source.poll, self._batch_size.n, settings.poll_timeout_s)
        if records:
            self._batch_size.began()
            batch = self._read(records, read_before)  # Steps 2 and 3
            fault_point("loop", "handle")
            self._handler.handle(batch)  # Step 4
            self._batch_size.ended(len(records))
        now = context.clock()
        self._begin_checkpoint_if_due(now)
        fault_point("loop", "publish")
        self._handler.publish_if_due(now)  # Step 5
        if now >= self._status_due:
            self._tell_status(now)
        fault_point("loop", "settle")
        self._checkpointing.attempt(self._checkpointing.settle)  # Steps 6 and 7
        return len(records)

    def _read(self, records: list[Record], read_before: Offsets) -> Batch:
        context = self._context
        self._progress.note(records)
        context.metrics.count("records", len(records))
        with timed(context.metrics, "decode"):
            batch = self._patiently(read_batch, records, read_before, context.repeats, context.erasures)
        context.erasures.settle(context.source.next_offsets())
        return batch

    def _tell_status(self, now: float) -> None:
        gauges = self._progress.gauges(now) | self._handler.gauges(now)
        for name, value in gauges.items():
            self._context.metrics.gauge(name, value)
        self._context.metrics.count("heartbeats.active")
        self._handler.show_status(gauges, now)
        least_s, took_s = self._settings.status_interval_s, self._context.clock() - now
        self._status_due = now + max(least_s, pause_after(took_s, _STATUS_SHARE))

    def _begin_checkpoint_if_due(self, now: float) -> None:
        """Begin one while nothing that would be waited for is on its way out, or one that is overdue."""
        interval_s, checkpointing = self._settings.checkpoint_interval_s, self._checkpointing
        is_due = now >= self._checkpoint_due and not checkpointing.is_under_way
        if is_due and (self._handler.can_begin_checkpoint or now >= self._checkpoint_due + interval_s):
            self._checkpoint_due = now + interval_s
            checkpointing.attempt(partial(checkpointing.begin, self._context.source.next_offsets()))
            if checkpointing.is_under_way:
                self._batch_size.begin_small()  # whoever changes a page of memory first waits for its copy

    def checkpoint(self) -> None:
        """Write down what was taken in up to here, if anything, and commit."""
        self._checkpoint_due = self._context.clock() + self._settings.checkpoint_interval_s
        self._checkpointing.write(self._context.source.next_offsets())

    def _read_tail(self) -> None:
        """Read what the log held when we were told to stop, within a bounded time."""
        deadline = self._context.clock() + self._tail_s
        n_left = self._progress.what_is_left()
        while n_left() and self._context.clock() < deadline:
            self.step()
