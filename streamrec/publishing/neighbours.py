"""Publishing of neighbours to the hot cache, in a queue of their own with a bounded share of the time.

Everybody's neighbours move with every event; nobody waits for them. They are published item by item, those
that wait longest first. All of them are published again after a start, after the cache did not answer, and
every few minutes, because a cache may lose what it holds without a word. After a start and
after such a failure, those of items that are not known any more are removed: who was here before left them.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import Neighbours
from streamrec.process.retries import pause_after
from streamrec.publishing.neighbour_views import published_neighbours
from streamrec.publishing.publisher import Publisher
from streamrec.settings.processes import CoVisitationSettings

_PAUSE_AFTER_FAILURE_S = 15.0
"""A cache that comes back is noticed within this; the stream does not wait for it."""


class NeighbourPublishing:
    """Hands over the neighbours that changed, when it is time for it.

    Parameters
    ----------
    publisher
        Hands them to the cache.
    now
        Unix seconds; from then on all that the state knows wait to be published.
    """

    def __init__(
        self, state: TrainerState, publisher: Publisher, settings: CoVisitationSettings, now: float
    ) -> None:
        self._state = state
        self._publisher = publisher
        self._settings = settings
        self._deleted: list[str] = []
        self._is_swept = False
        self._due = now
        self._mark_all(now)

    def drop(self, item_ids: Sequence[str]) -> None:
        """Note deleted items: theirs are removed from the cache."""
        self._deleted += item_ids

    def publish_if_due(self, now: float, seconds: Callable[[], float] = time.perf_counter) -> None:
        """Hand over some of those that wait, unless the last ones are still under way.

        Parameters
        ----------
        seconds
            Tells how long it took to gather them: it counts towards the share, too.
        """
        if self._publisher.neighbours.take_failure():
            self._mark_all(now)
            self._is_swept = False
            self._due = now + _PAUSE_AFTER_FAILURE_S
        if now < self._due or not self._publisher.neighbours.is_free():
            return
        if not self._is_swept:
            self._is_swept = True
            self._publisher.drop_neighbours_but(frozenset(self._state.item_ids.living()))
            return
        if now >= self._refresh_due:
            self._mark_all(now)
        started = seconds()
        rows = self._state.dirty_neighbours.take(self._settings.max_published_items)
        deleted, self._deleted = self._deleted, []
        # What came back under a deleted id follows it, and replaces the empty list.
        neighbours: dict[str, Neighbours] = dict.fromkeys(deleted, Neighbours())
        neighbours.update(published_neighbours(self._state, rows, self._settings.n_published))
        took_s = seconds() - started + self._publisher.neighbours.last_took_s
        self._due = now + pause_after(took_s, self._settings.publish_share)
        if neighbours:
            self._publisher.publish_neighbours(neighbours)

    def _mark_all(self, now: float) -> None:
        self._state.dirty_neighbours.mark(np.arange(self._state.item_ids.n_rows), now)
        self._refresh_due = now + self._settings.refresh_interval_s
