"""Shares of the last events that each of several lists had."""

from collections import deque
from collections.abc import Collection, Sequence


class SlidingHits:
    """Counts, over the last `window` events, how often the item was in the list of each source.

    >>> hits = SlidingHits(("again", "followers"), window=2)
    >>> for found in (["again"], ["followers"], []):
    ...     hits.add(found)
    >>> hits.shares()
    {'again': 0.0, 'followers': 0.5}
    """

    def __init__(self, sources: Sequence[str], window: int) -> None:
        self._n_hits = dict.fromkeys(sources, 0)
        self._events: deque[tuple[str, ...]] = deque()
        self._window = window

    def add(self, sources: Collection[str]) -> None:
        """Note the sources in whose list one event's item was; others than those counted are passed over."""
        self._events.append(tuple(name for name in sources if name in self._n_hits))
        self._count(self._events[-1], 1)
        if len(self._events) > self._window:
            self._count(self._events.popleft(), -1)

    def _count(self, sources: Collection[str], by: int) -> None:
        for name in sources:
            self._n_hits[name] += by

    def shares(self) -> dict[str, float]:
        """Return the share of the events by source; empty before the first event."""
        n = len(self._events)
        return {name: n_hits / n for name, n_hits in self._n_hits.items()} if n else {}
