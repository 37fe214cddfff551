"""Users and items that were silent longest make room, once there are more than the trainer may hold."""

from typing import NamedTuple

from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.touched import TouchedRows
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import Metrics
from streamrec.settings.processes import TrainerSettings


class Evicted(NamedTuple):
    """Ids of users and items that make room."""

    user_ids: list[str]
    item_ids: list[str]


class Eviction:
    """Finds what keeps a state within its bounds. Whoever is evicted and comes back is new.

    From now on the order of the state's rows holds those that live, and no others.
    """

    def __init__(self, state: TrainerState, settings: TrainerSettings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._users = state.user_ids, state.touched.users, settings.max_users
        self._items = state.item_ids, state.touched.items, settings.max_items
        for ids, touched, _ in (self._users, self._items):
            # What was restored may be of rows that had gone, too, or of none.
            touched.keep(ids.living_rows())

    def take(self) -> Evicted:
        """Return who and what is too much, for the caller to forget before the next call."""
        evicted = Evicted(_too_many(*self._users), _too_many(*self._items))
        self._metrics.count("evicted_users", len(evicted.user_ids))
        self._metrics.count("evicted_items", len(evicted.item_ids))
        return evicted


def _too_many(ids: IdMap, touched: TouchedRows, limit: int) -> list[str]:
    n_too_many = len(ids) - limit
    return ids.ids_at(touched.longest_ago(n_too_many).tolist()) if n_too_many > 0 else []
