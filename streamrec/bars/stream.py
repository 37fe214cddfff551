"""The loop that keeps item histories.

The numbered protocol; the code names the same steps::

    1. poll        a micro-batch, bounded by size and by time
    2. decode      what is no event, or has no value, is counted
    3. drop        repeats by event id
    4. add         to the minutes, by the events' own times
    5. publish     minutes that changed, as absolute values
    6. checkpoint  now and then: state and next offsets in one rename
    7. commit      those offsets, for the lag tools

As with the trainer, a restart goes on from the checkpoint's offsets, and what waited to be published waits
on: a crash at any point replays and never skips.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streamrec.bars.checkpoint import HistoryCheckpoint, Restored
from streamrec.bars.decoding import TickRules, decode_ticks
from streamrec.bars.publishing import HistoryPublishing
from streamrec.domain.bars.minute_table import MinuteTable, Ticks
from streamrec.domain.events.repeats import RecentIds
from streamrec.errors import Unavailable
from streamrec.log_limits import warn_seldom
from streamrec.ports import EventSource, Metrics
from streamrec.process.commits import Commits
from streamrec.process.erasures import ErasureReader
from streamrec.process.lease import LeaseKeeper
from streamrec.process.progress import Progress
from streamrec.process.retries import patiently
from streamrec.process.stop import StopRequest
from streamrec.settings.processes import BarsSettings
from streamrec.telemetry import Digest, timed


@dataclass(frozen=True)
class Kept:
    """What a checkpoint holds: the histories, and the event ids that were seen last."""

    history: MinuteTable
    repeats: RecentIds


@dataclass(frozen=True)
class Surroundings:
    """What the loop works with besides its state; `clock` gives Unix seconds.

    `erasures` knows which events of the source no longer count.
    """

    source: EventSource
    publishing: HistoryPublishing
    checkpoint: HistoryCheckpoint
    lease: LeaseKeeper
    metrics: Metrics
    clock: Callable[[], float]
    stop: StopRequest
    erasures: ErasureReader


class HistoryStream:
    """One active keeper over all partitions, standing where its state's checkpoint was written."""

    def __init__(
        self, kept: Kept, surroundings: Surroundings, rules: TickRules, settings: BarsSettings
    ) -> None:
        self._kept = kept
        self._with = surroundings
        self._rules = rules
        self._settings = settings
        self._metrics = surroundings.metrics
        self._patiently = patiently(surroundings.stop.is_giving_up, surroundings.metrics)
        self._commits = Commits(surroundings.source, surroundings.metrics)
        self._malformed = Digest("records_ignored")
        now = surroundings.clock()
        self._progress = Progress(surroundings.source, now)
        self._status_due = now
        self._checkpoint_due = now + settings.checkpoint_interval_s
        self._checkpointed_offsets = surroundings.source.next_offsets()

    def run(self) -> None:
        """Work until told to stop; then publish what waits, and checkpoint.

        Raises
        ------
        LeaseLost
            When another keeper took over; nothing more may be written then.
        LogTruncated
            When the log lost what would have been read next.
        """
        while not self._with.stop.is_stopping.is_set():
            self.step()
        publishing = self._with.publishing
        while publishing.is_waiting and not self._with.stop.is_giving_up.is_set():
            self._patiently(self._with.lease.renew_if_due)  # many portions take longer than it lasts
            if not publishing.publish():
                break
        self.checkpoint()

    def step(self) -> int:
        """Do one round of the protocol; return the number of records read."""
        self._patiently(self._with.lease.renew_if_due)
        read_before = self._with.source.next_offsets()
        with timed(self._metrics, "poll"):
            records = self._patiently(
                self._with.source.poll, self._settings.max_batch, self._settings.poll_timeout_s
            )  # Step 1
        if records:
            self._progress.note(records)
            self._metrics.count("records", len(records))
            erasures = self._with.erasures
            # Minutes name nobody: what they have of a user stays. What is read again does not come again.
            self._patiently(erasures.note, records, read_before)
            with timed(self._metrics, "decode"):
                decoded = decode_ticks(records, self._kept.repeats, self._rules, erasures.void)  # 2 and 3
            erasures.settle(self._with.source.next_offsets())
            self._malformed.note(decoded.ignored["malformed"], decoded.example)
            for reason, n in decoded.ignored.items():
                self._metrics.count(f"ignored.{reason}", n)
            with timed(self._metrics, "add"):
                self._add(decoded.ticks)  # Step 4
        self._with.publishing.publish_if_due()  # Step 5
        now = self._with.clock()
        if now >= self._status_due:
            self._tell_status(now)
        if now >= self._checkpoint_due:
            self._try_checkpoint()
        return len(records)

    def _add(self, ticks: Ticks) -> None:
        history = self._kept.history
        for portion in _portions(ticks, history.max_items):
            added = history.add(portion)
            self._with.publishing.note(added)
            n_taken = len(portion.item_ids) - added.n_late - added.n_ahead
            self._metrics.count("ticks", n_taken)
            for reason, n in (("late", added.n_late), ("ahead", added.n_ahead)):
                if n:
                    self._metrics.count(f"ignored.{reason}", n)
            if added.evicted:
                self._metrics.count("evicted", len(added.evicted))

    def _tell_status(self, now: float) -> None:
        self._status_due = now + self._settings.status_interval_s
        self._metrics.count("heartbeats.active")
        for name, value in self._progress.gauges(now).items():
            self._metrics.gauge(name, value)
        for name, value in self._with.publishing.gauges().items():
            self._metrics.gauge(name, value)
        self._metrics.gauge("n_items", float(len(self._kept.history.ids)))

    def _try_checkpoint(self) -> None:
        try:
            self.checkpoint()
        except Unavailable as error:
            # The stream goes on: without a checkpoint a crash costs more replaying, and nothing else.
            self._metrics.count("checkpoint_failures")
            warn_seldom("checkpoint_failed", error=str(error))

    def checkpoint(self) -> None:
        """Write down what was taken in up to here, if anything."""
        self._checkpoint_due = self._with.clock() + self._settings.checkpoint_interval_s
        next_offsets = self._with.source.next_offsets()
        if next_offsets == self._checkpointed_offsets:
            self._commits.commit(next_offsets)  # in case the last one failed
            return
        self._patiently(self._with.lease.renew_if_due)
        with timed(self._metrics, "checkpoint"):
            event_ids = self._kept.repeats.oldest_first()
            restored = Restored(next_offsets, event_ids, self._with.publishing.waiting())
            self._with.checkpoint.write(self._kept.history, restored)  # Step 6
        self._checkpointed_offsets = next_offsets
        self._patiently(self._with.lease.renew_if_due)  # a checkpoint takes long, and a commit may
        self._commits.commit(next_offsets)  # Step 7


def _portions(ticks: Ticks, size: int) -> Iterator[Ticks]:
    """Yield ticks in portions for whose items there is room."""
    for first in range(0, len(ticks.item_ids), size):
        part = slice(first, first + size)
        senders = None if ticks.senders is None else ticks.senders[part]
        yield Ticks(
            ticks.item_ids[part], ticks.times[part], ticks.values[part], ticks.arrivals[part], senders
        )
