"""Step 5 of the loop: minutes that changed go to the hot cache, together and within a share of the time."""

from collections.abc import Callable

import numpy as np
import structlog
from numpy.typing import NDArray

from streamrec.domain.bar import PACKED_BYTES, HistorySpan, HistoryUpdate, pack
from streamrec.domain.item_history import Added, ItemHistory
from streamrec.errors import Unavailable
from streamrec.ports import CachePublisher, Metrics
from streamrec.settings import HistorySettings
from streamrec.telemetry import timed
from streamrec.training.dirty_rows import DirtyRows


class HistoryPublishing:
    """Publishes absolute values of what changed; everything again now and then, for a cache that was emptied.

    Parameters
    ----------
    clock
        Seconds, of the waiting and of the share.
    """

    def __init__(
        self,
        history: ItemHistory,
        cache: CachePublisher,
        settings: HistorySettings,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._history = history
        self._cache = cache
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._changed = np.zeros(history.max_items * history.window, np.bool_)
        self._rows = DirtyRows()
        self._forgotten: dict[str, None] = {}
        self._due = self._refresh_due = clock()

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to publish."""
        return bool(self._forgotten) or self._rows.n_waiting > 0

    def note(self, added: Added) -> None:
        """Let what some ticks changed wait."""
        by_row = self._changed.reshape(-1, self._history.window)
        for row, item_id in added.evicted:
            by_row[row] = False
            self._rows.drop(row)
            self._forgotten[item_id] = None
        self._mark(added.cells)

    def publish_if_due(self) -> None:
        """Publish those that wait longest; go on at once with the rest, but for the share of the time."""
        now = self._clock()
        if now >= self._refresh_due:
            self._mark(self._history.cells_in_use())
            self._refresh_due = now + self._settings.refresh_interval_s
        if now >= self._due and self.is_waiting:
            self.publish()
            took_s = self._clock() - now
            pause_s = took_s / self._settings.publish_share - took_s
            is_over = not self._rows.n_waiting
            self._due = now + took_s + max(pause_s, self._settings.publish_interval_s if is_over else 0.0)

    def publish(self) -> bool:
        """Publish one portion; False when the cache did not take it, which waits on then."""
        cells, update = self._next_update()
        try:
            with timed(self._metrics, "history.publish"):
                self._cache.publish_history(update)
        except Unavailable as error:
            self._mark(cells)
            self._metrics.count("history.cache_failures")
            structlog.get_logger().warning("history_not_published", error=str(error))
            return False
        self._forgotten.clear()
        self._metrics.count("history.published", len(cells))
        return True

    def gauges(self) -> dict[str, float]:
        """Return how much waits, and how long."""
        return {
            "history.waiting_items": float(self._rows.n_waiting),
            "history.staleness_s": self._rows.staleness_s(self._clock()),
        }

    def _mark(self, cells: NDArray[np.int64]) -> None:
        self._changed[cells] = True
        self._rows.mark(cells // self._history.window, self._clock())

    def _next_update(self) -> tuple[NDArray[np.int64], HistoryUpdate]:
        history, window = self._history, self._history.window
        rows = self._rows.take(self._settings.max_published_items)
        of_row, slots = np.nonzero(self._changed.reshape(-1, window)[rows])
        cells = rows[of_row] * window + slots
        self._changed[cells] = False
        packed = pack(history.tallies(cells))
        ends = np.cumsum(np.bincount(of_row, minlength=len(rows))) * PACKED_BYTES
        starts = [0, *ends[:-1].tolist()]
        bars = {
            item_id: packed[start:end]
            for item_id, start, end in zip(
                history.ids.ids_at(rows.tolist()), starts, ends.tolist(), strict=False
            )
        }
        return cells, HistoryUpdate(HistorySpan(history.now, window), bars, list(self._forgotten))
