"""The part of the stream loop that keeps bars: values are added to their minutes, which are published."""

from collections.abc import Iterator, Sequence

from streamrec.bars.checkpoint import Restored
from streamrec.bars.context import BarsContext
from streamrec.bars.ticks import ticks_of
from streamrec.domain.bars.minute_table import Ticks
from streamrec.ports import Offsets
from streamrec.process.decoding import Batch, KeyedCommand
from streamrec.process.retries import patiently
from streamrec.telemetry import Digest, timed


class BarsHandler:
    """Adds ticks to minutes by their own times.

    What waits to be published is part of the checkpoint, and waits on after a restart.
    """

    is_over = False

    def __init__(self, context: BarsContext) -> None:
        self._context = context
        self._patiently = patiently(context.stop.is_giving_up, context.metrics)
        self._malformed = Digest("records_ignored")

    def handle(self, batch: Batch) -> None:
        """Add a batch. Minutes name nobody: what they have of users who were erased since stays."""
        context = self._context
        self._follow(batch.commands.of_items)
        with timed(context.metrics, "add"):
            found = ticks_of(batch.decoded, context.rules, context.deleted)
            self._add(found.ticks)
        malformed = [str(one.error) for one in batch.decoded.invalid]
        self._malformed.note(len(malformed), malformed[-1] if malformed else "")
        for reason, n in found.ignored.items():
            context.metrics.count(f"ignored.{reason}", n)

    def _follow(self, commands: Sequence[KeyedCommand]) -> None:
        """Forget the bars of items that were deleted, until they are created again."""
        context = self._context
        for item_id, command in commands:
            if command.name == "item_deleted":
                context.deleted.add(item_id)
                context.publishing.note_forgotten(context.table.forget([item_id]))
                context.publishing.note_deleted(item_id)
            else:
                context.deleted.discard(item_id)

    def _add(self, ticks: Ticks) -> None:
        table, metrics = self._context.table, self._context.metrics
        for portion in _portions(ticks, table.max_items):
            added = table.add(portion)
            self._context.publishing.note(added)
            metrics.count("ticks", len(portion.item_ids) - added.n_late - added.n_ahead)
            for reason, n in (("late", added.n_late), ("ahead", added.n_ahead)):
                if n:
                    metrics.count(f"ignored.{reason}", n)
            if added.evicted:
                metrics.count("evicted", len(added.evicted))

    def publish_if_due(self, now: float) -> None:
        """Publish minutes that changed."""
        self._context.publishing.publish_if_due()

    def gauges(self, now: float) -> dict[str, float]:
        """Return how much is kept, and how much of it waits."""
        n_items = float(len(self._context.table.ids))
        return {**self._context.publishing.gauges(), "n_items": n_items}

    def show_status(self, gauges: dict[str, float], now: float) -> None:
        """Do nothing: the figures are shown as metrics."""

    @property
    def can_begin_checkpoint(self) -> bool:
        """Whether one may begin: always."""
        return True

    def begin_checkpoint(self, next_offsets: Offsets) -> None:
        """Do nothing: what is kept is small, and written at once."""

    def flush(self) -> None:
        """Do nothing: the checkpoint counts nothing as published that waits."""

    def write_checkpoint(self, next_offsets: Offsets) -> None:
        """Replace the checkpoint."""
        context = self._context
        event_ids, waiting = context.repeats.oldest_first(), context.publishing.waiting()
        restored = Restored(next_offsets, event_ids, waiting, list(context.deleted))
        context.checkpoint.write(context.table, restored)

    def finish(self) -> None:
        """Publish portion by portion until nothing waits, or the cache does not take one."""
        context = self._context
        while context.publishing.is_waiting and not context.stop.is_giving_up.is_set():
            self._patiently(context.lease.renew_if_due)  # many portions take longer than it lasts
            if not context.publishing.publish():
                break


def _portions(ticks: Ticks, size: int) -> Iterator[Ticks]:
    """Yield ticks in portions for whose items there is room."""
    for first in range(0, len(ticks.item_ids), size):
        part = slice(first, first + size)
        senders = None if ticks.senders is None else ticks.senders[part]
        yield Ticks(
            ticks.item_ids[part], ticks.times[part], ticks.values[part], ticks.arrivals[part], senders
        )
