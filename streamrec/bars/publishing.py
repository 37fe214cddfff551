"""Step 5 of the loop: minutes that changed go to the hot cache, together and within a share of the time."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.bars.bar import PACKED_BYTES, BarsSpan, BarsUpdate, pack
from streamrec.domain.bars.minute_table import Added, MinuteTable
from streamrec.errors import Unavailable
from streamrec.learning.state.dirty_rows import DirtyRows
from streamrec.log_limits import warn_seldom
from streamrec.ports import CachePublisher, Metrics
from streamrec.process.retries import pause_after
from streamrec.settings.processes import BarsSettings
from streamrec.telemetry import timed


class Waiting(NamedTuple):
    """Changes not published yet: cells of minutes, and ids of items that were forgotten."""

    cells: NDArray[np.int64]
    forgotten: list[str]


class BarsPublishing:
    """Publishes absolute values of what changed.

    A few items after the other are published whole, besides, so that a cache that was emptied is full again
    after a while.

    Parameters
    ----------
    clock
        Seconds, of the waiting and of the share.
    """

    def __init__(
        self,
        table: MinuteTable,
        cache: CachePublisher,
        settings: BarsSettings,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._table = table
        self._cache = cache
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._changed = np.zeros((table.max_items, table.window), np.bool_)
        self._rows = DirtyRows()
        self._forgotten: dict[str, None] = {}
        self._due = self._refreshed_at = clock()
        self._refreshed_row = 0

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to publish."""
        return bool(self._forgotten) or self._rows.n_waiting > 0

    def note(self, added: Added) -> None:
        """Let what some ticks changed wait."""
        self.note_forgotten(added.evicted)
        self._mark(added.cells, self._clock())

    def note_forgotten(self, gone: Iterable[tuple[int, str]]) -> None:
        """Let items wait whose bars leave the cache; their rows are free."""
        for row, item_id in gone:
            self._changed[row] = False
            self._rows.drop(np.array([row]))
            self._forgotten[item_id] = None

    def note_deleted(self, item_id: str) -> None:
        """Let an item wait whose bars leave the cache, also where none are held.

        They may have been published by a process that crashed before its checkpoint had them.
        """
        self._forgotten[item_id] = None

    def note_waiting(self, waiting: Waiting) -> None:
        """Let wait what waited when the checkpoint was written."""
        self._forgotten.update(dict.fromkeys(waiting.forgotten))
        self._mark(waiting.cells, self._clock())

    def waiting(self) -> Waiting:
        """Return what waits, for a checkpoint."""
        return Waiting(np.flatnonzero(self._changed), list(self._forgotten))

    def publish_if_due(self) -> None:
        """Publish those that wait longest; go on at once with the rest, but for the share of the time."""
        now = self._clock()
        if now < self._due:
            return
        self._refresh(now)
        if self.is_waiting:
            is_out = self.publish()
            took_s = self._clock() - now
            pause_s = max(0.0, pause_after(took_s, self._settings.publish_share) - took_s)
            is_over = not (is_out and self._rows.n_waiting)
            self._due = now + took_s + max(pause_s, self._settings.publish_interval_s if is_over else 0.0)

    def publish(self) -> bool:
        """Publish one portion; False when the cache did not take it, which waits on then."""
        with timed(self._metrics, "publish"):
            since = self._rows.since().copy()
            cells, update = self._next_update(since)
            try:
                self._cache.publish_bars(update)
            except Unavailable as error:
                self._mark(cells, since[cells // self._table.window])
                self._metrics.count("cache_failures")
                warn_seldom("history_not_published", error=str(error))
                return False
        self._forgotten.clear()
        self._metrics.count("published", len(cells))
        return True

    def gauges(self) -> dict[str, float]:
        """Return how much waits, and how long."""
        return {
            "waiting_items": float(self._rows.n_waiting),
            "staleness_s": self._rows.staleness_s(self._clock()),
        }

    def _mark(self, cells: NDArray[np.int64], since: float | NDArray[np.float64]) -> None:
        self._changed.reshape(-1)[cells] = True
        self._rows.mark(cells // self._table.window, since)

    def _refresh(self, now: float) -> None:
        """Mark all minutes of as many items as the time since the last look is worth."""
        n_rows = self._table.ids.n_rows
        share = (now - self._refreshed_at) / self._settings.refresh_interval_s
        n_due = int(n_rows * min(share, 1.0))
        if n_due:
            self._refreshed_at = now
            rows = (self._refreshed_row + np.arange(n_due)) % n_rows
            self._refreshed_row = int(rows[-1]) + 1
            self._mark(self._table.cells_in_use(rows), now)

    def _next_update(self, since: NDArray[np.float64]) -> tuple[NDArray[np.int64], BarsUpdate]:
        """Take a portion: (C,) cells of minutes, and what to publish of them.

        Parameters
        ----------
        since
            (N,) when each row began to wait: who waits longest goes first, or the last rows never would go
            while there is always more than one portion.
        """
        table = self._table
        rows = self._rows.take(self._settings.max_published_bars)
        rows = rows[np.argsort(since[rows], kind="stable")]
        n_bars = np.cumsum(self._changed[rows].sum(axis=1))
        n_taken = max(1, int(np.searchsorted(n_bars, self._settings.max_published_bars, "right")))
        self._rows.mark(rows[n_taken:], since[rows[n_taken:]])
        rows, ends = rows[:n_taken], (n_bars[:n_taken] * PACKED_BYTES).tolist()
        of_row, slots = np.nonzero(self._changed[rows])
        self._changed[rows] = False
        cells = rows[of_row] * table.window + slots
        packed = pack(table.tallies(cells))
        parts = zip(table.ids.ids_at(rows.tolist()), [0, *ends], ends, strict=False)
        bars = {item_id: packed[start:end] for item_id, start, end in parts}
        # Before the first tick now is minus infinity, which JSON does not have.
        span = BarsSpan(max(table.now, 0.0), table.window)
        return cells, BarsUpdate(span, bars, list(self._forgotten))
