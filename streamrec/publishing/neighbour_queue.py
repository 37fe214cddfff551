"""Neighbours on their way to the hot cache."""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from streamrec.errors import Unavailable
from streamrec.log_limits import warn_seldom
from streamrec.ports import CachePublisher, Metrics, Neighbours
from streamrec.process.work_queue import WorkQueue
from streamrec.telemetry import timed


class NeighbourQueue:
    """Writes neighbours to the hot cache beside the loop, one publication at a time."""

    def __init__(self, cache: CachePublisher, metrics: Metrics) -> None:
        self._cache = cache
        self._metrics = metrics
        self._queue = WorkQueue("neighbours")
        self._has_failed = False

    @property
    def last_took_s(self) -> float:
        """Seconds that the last publication took."""
        return self._queue.last_took_s

    def is_free(self) -> bool:
        """Return whether the last publication is out, or failed."""
        return self._queue.is_free()

    def publish(self, neighbours: Mapping[str, Neighbours]) -> None:
        """Hand over the neighbours of some items; none for an item that is gone."""
        self._queue.submit(partial(self._write, neighbours))

    def drop_all_but(self, item_ids: Collection[str]) -> None:
        """Have the cache remove the neighbours of all other items."""
        self._queue.submit(partial(self._drop_all_but, item_ids))

    def take_failure(self) -> bool:
        """Return whether a publication failed since this was asked last."""
        has_failed, self._has_failed = self._has_failed, False
        return has_failed

    def drain(self) -> None:
        """Wait for the last publication."""
        self._queue.drain()

    def close(self) -> None:
        """End the thread."""
        self._queue.close()

    def _write(self, neighbours: Mapping[str, Neighbours]) -> None:
        if self._attempt(partial(self._cache.publish_neighbours, neighbours)):
            self._metrics.count("published.neighbours", len(neighbours))

    def _drop_all_but(self, item_ids: Collection[str]) -> None:
        self._attempt(partial(self._cache.drop_neighbours_but, item_ids))

    def _attempt(self, work: Callable[[], None]) -> bool:
        try:
            with timed(self._metrics, "publish.neighbours"):
                work()
        except Unavailable as error:
            self._has_failed = True
            self._metrics.count("cache_failures")
            warn_seldom("cache_unavailable", error=str(error))
            return False
        return True
