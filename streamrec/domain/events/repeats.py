"""Telling events that came before, within a window."""

from collections import deque
from collections.abc import Iterable


class RecentIds:
    """The last `window` event ids, in order of arrival.

    >>> recent = RecentIds(window=2)
    >>> [recent.add(id_) for id_ in ("a", "b", "a", "c", "a")]
    [True, True, False, True, True]
    """

    def __init__(self, window: int, ids: Iterable[str] = ()) -> None:
        self._order: deque[str] = deque(maxlen=window)
        self._known: set[str] = set()
        for id_ in ids:
            self.add(id_)

    def add(self, id_: str) -> bool:
        """Remember an id; False when it is already remembered."""
        if id_ in self._known:
            return False
        if len(self._order) == self._order.maxlen:
            self._known.discard(self._order[0])
        self._order.append(id_)
        self._known.add(id_)
        return True

    def oldest_first(self) -> list[str]:
        """Return what is remembered."""
        return list(self._order)
