"""Baseline: number of times that each item was chosen."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.prequential import Events, padded
from streamrec.domain.rows.growing import grown


class CountingRanker:
    """Every event is one count, whoever it is from: a `Ranker` that papers compare with.

    What the servers call popular is another thing, see `Popularity`: it does not let robots count.

    Parameters
    ----------
    half_life_events
        After so many events a count is worth half; None: it never fades.

    >>> counting = CountingRanker(half_life_events=1.0)
    >>> rows, ones = np.array([0, 1]), np.ones(2)
    >>> counting.learn(Events(rows, rows, ones, ones.astype(np.float32)))
    >>> counting.scores(0, 2).tolist()
    [0.5, 1.0]
    """

    def __init__(self, half_life_events: float | None = None) -> None:
        self._half_life_events = half_life_events
        self._counts = np.zeros(0)

    def scores(self, user_row: int, n_items: int, at: float | None = None) -> NDArray[np.floating]:
        """Return (n_items,) counts as of the newest event."""
        return padded(self._counts[:n_items], n_items)

    def learn(self, events: Events) -> None:
        """Count B events."""
        n_events = len(events.item_rows)
        self._counts = grown(self._counts, int(events.item_rows.max(initial=-1)) + 1)
        if self._half_life_events is None:
            np.add.at(self._counts, events.item_rows, 1.0)
            return
        n_later = np.arange(n_events - 1, -1, -1)
        self._counts *= np.exp2(-n_events / self._half_life_events)
        np.add.at(self._counts, events.item_rows, np.exp2(-n_later / self._half_life_events))
