"""Co-visitation over events by column: how it fills from a history, and as a model that can be judged."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.stream_clock import StreamClock
from streamrec.domain.ranking.prequential import Events
from streamrec.domain.similarity.covisitation import CoVisitation
from streamrec.learning.sampling import RecentItems

_BATCH = 1024
"""Events counted at a time: their histories are some hundred bytes each."""


class CoVisitationRanker:
    """Co-visitation as a `Ranker`: it answers with what it has counted so far.

    Parameters
    ----------
    visits
        Filled as events are learned.
    history_length
        Distinct items of a user that an event is paired with, and that a user is judged by.
    n_remembered
        Newest events of a user that these are of.
    """

    def __init__(self, visits: CoVisitation, history_length: int, n_remembered: int) -> None:
        self._visits = visits
        self._history_length = history_length
        self._recent = RecentItems(n_remembered)
        self._clock = StreamClock()

    def scores(self, user_row: int, n_items: int, at: float | None = None) -> NDArray[np.floating]:
        """Return (n_items,) similarities to what the user chose last; all 0 for a stranger."""
        return self._visits.scores(self.latest(np.array([user_row]))[0], n_items)

    def latest(self, user_rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (B, H) the last distinct items of each of B users, newest first, -1 at the end."""
        return self._recent.latest(user_rows, self._history_length)

    def learn(self, events: Events) -> None:
        """Count B events."""
        for first in range(0, len(events.user_rows), _BATCH):
            batch = events.at(slice(first, first + _BATCH))
            before = self._recent.before(batch.user_rows, batch.item_rows, self._history_length)
            times = self._clock.times_of(batch.timestamps, batch.user_rows)
            self._visits.add(batch.item_rows, before.histories, times, batch.weights, before.is_again)
            self._recent.add(batch.user_rows, batch.item_rows)
