"""Users and items that were silent longest make room, once there are more than the trainer may hold."""

from collections import deque
from typing import NamedTuple

import numpy as np

from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.touched import TouchedRows
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import Metrics
from streamrec.settings.processes import TrainerSettings

_SHARE_AT_ONCE = 0.01
"""Of all that may be held, looked for at once: the search goes over all rows."""


class Evicted(NamedTuple):
    """Ids of users and items that make room."""

    user_ids: list[str]
    item_ids: list[str]


class Eviction:
    """Finds what keeps a state within its bounds. Whoever is evicted and comes back is new."""

    def __init__(self, state: TrainerState, settings: TrainerSettings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._users = _Queue(state.user_ids, state.touched.users, settings.max_users)
        self._items = _Queue(state.item_ids, state.touched.items, settings.max_items)

    def take(self) -> Evicted:
        """Return who and what is too much, for the caller to forget before the next call."""
        evicted = Evicted(self._users.take(), self._items.take())
        self._metrics.count("evicted_users", len(evicted.user_ids))
        self._metrics.count("evicted_items", len(evicted.item_ids))
        return evicted


class _Queue:
    """Rows of one kind that go next."""

    def __init__(self, ids: IdMap, touched: TouchedRows, limit: int) -> None:
        self._ids = ids
        self._touched = touched
        self._limit = limit
        self._next: deque[tuple[str, int]] = deque()

    def take(self) -> list[str]:
        """Return ids that are too many, for the caller to forget before the next call."""
        taken: dict[str, None] = {}
        while len(self._ids) - len(taken) > self._limit:
            if not self._next:
                self._find()
            id_, at = self._next.popleft()
            row = self._ids.row(id_)
            if row >= 0 and self._touched.at(row) == at:  # else it was touched, or went, since it was found
                taken[id_] = None  # once: a search that was made meanwhile finds it again
        return list(taken)

    def _find(self) -> None:
        living = np.flatnonzero([id_ is not None for id_ in self._ids.by_row()])
        n = max(len(living) - self._limit, int(self._limit * _SHARE_AT_ONCE))
        rows = self._touched.longest_ago(living, n).tolist()
        self._next.extend(
            (id_, self._touched.at(row)) for row, id_ in zip(rows, self._ids.ids_at(rows), strict=True)
        )
