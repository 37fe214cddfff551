"""Quality of the live index: the trainer asks it for what users would get, beside its own ranking."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from streamrec.domain.ranking.metrics import MISS, summary
from streamrec.errors import StreamrecError
from streamrec.ports import IndexLookup, ItemQuery, Metrics
from streamrec.process.work_queue import WorkQueue

_WINDOW = 1000
"""Look-ups that the running figures are of, as many as events of the prequential ones."""

_PAUSE_S = 10.0
"""After a failure the index is left alone so long: it may not be there at all."""


class LookUp(NamedTuple):
    """Query to the index, and the ranking that its answer is compared with.

    Attributes
    ----------
    query
        The user's vector as it is now, without the user's own items.
    exact
        The model's own best items for it, as many as `query.k`.
    target
        The item that the user chose.
    """

    query: ItemQuery
    exact: Sequence[str]
    target: str


class LiveIndex:
    """Looks things up beside the loop: one at a time, and not at all while the index is away.

    The model's own ranking knows what was learned a moment ago; the index has what was published and
    followed, and searches approximately. The difference is what serving loses.

    Parameters
    ----------
    rate
        Look-ups per second at most; 0: none.
    clock
        Unix seconds.
    """

    def __init__(self, index: IndexLookup, rate: float, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._index = index
        self._interval_s = 1 / rate if rate else float("inf")
        self._metrics = metrics
        self._clock = clock
        self._due = 0.0 if rate else float("inf")
        self._queue = WorkQueue("live-index")
        self._recalls: deque[float] = deque(maxlen=_WINDOW)
        self._ranks: deque[int] = deque(maxlen=_WINDOW)

    def is_due(self, now: float) -> bool:
        """Return whether a look-up may be handed over."""
        return now >= self._due and self._queue.is_free()

    def look_up(self, asked: LookUp, now: float) -> None:
        """Hand a look-up over; its figures come later."""
        self._due = now + self._interval_s
        self._queue.submit(partial(self._ask, asked))

    def gauges(self) -> dict[str, float]:
        """Return the running figures by metric name; empty before the first answer."""
        if not self._recalls:
            return {}
        hits = summary(np.array(self._ranks, np.int64), 10)
        of_targets = {f"prequential.live_index.{metric}": value for metric, value in hits.items()}
        return {"live_index_recall_at_10": float(np.mean(self._recalls)), **of_targets}

    def close(self) -> None:
        """End the thread; the connection is its owner's to close."""
        self._queue.close()

    def _ask(self, asked: LookUp) -> None:
        try:
            answer = self._index.search(asked.query)
        except StreamrecError:
            self._due = self._clock() + _PAUSE_S
            self._metrics.count("live_index_failures")
            return
        if answer.is_missing:  # it serves another generation yet
            return
        found = list(answer.ids)
        self._recalls.append(len({*found} & {*asked.exact}) / max(1, len(asked.exact)))
        self._ranks.append(found.index(asked.target) if asked.target in found else MISS)
