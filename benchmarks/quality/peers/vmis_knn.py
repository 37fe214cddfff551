"""VMIS-kNN, incremental (Kersbergen, Sprangers, Schelter 2022, Serenade, section 3).

A session is a user's last items: our streams have people, and people come back. Sessions that share items
with the one asked about are neighbours; the more of its newest items they hold, the nearer.
"""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.metrics import best_rows
from streamrec.domain.ranking.prequential import Events, Rows
from streamrec.domain.rows.growing import grown

SESSION_LENGTH = 100
"""Items of a session that neighbours propose from."""

N_ASKED = 20
"""Newest items of the session that is asked about."""

N_RECENT = 500
"""m of the paper: newest sessions of an item, and of all that match."""

N_NEIGHBOURS = 100
"""k of the paper."""

_NOBODY = -1


class VmisKnn:
    """Sessions, the newest sessions of each item, and answers from both; a `ListRanker`.

    Every event is learned at once: it moves its session to the newest of its item.

    Parameters
    ----------
    with_idf
        Whether rare items weigh more, as published: meant for shops, in which what everybody looks at is
        bought anyway.
    """

    def __init__(self, history: Events, *, with_idf: bool = True) -> None:
        self._with_idf = with_idf
        self._sessions = np.full((0, SESSION_LENGTH), _NOBODY, np.int64)  # rings
        self._n_of_session = np.zeros(0, np.int64)
        self._newest_event = np.zeros(0, np.int64)
        self._users_of_item = np.full((0, N_RECENT), _NOBODY, np.int64)  # rings
        self._n_of_item = np.zeros(0, np.int64)
        self._own: dict[int, dict[int, None]] = {}
        self._n_events = 0
        self._n_items = 0
        self.learn(history)

    def learn(self, events: Events) -> None:
        """Learn B events."""
        self._grow(1 + int(events.user_rows.max(initial=-1)), 1 + int(events.item_rows.max(initial=-1)))
        for user, item in zip(events.user_rows.tolist(), events.item_rows.tolist(), strict=True):
            self._newest_event[user] = self._n_events
            self._n_events += 1
            own = self._own.setdefault(user, {})
            if item in own:
                continue
            own[item] = None
            self._sessions[user, self._n_of_session[user] % SESSION_LENGTH] = item
            self._n_of_session[user] += 1
            self._users_of_item[item, self._n_of_item[item] % N_RECENT] = user
            self._n_of_item[item] += 1

    def best(self, user_row: int, k: int, at: float) -> Rows:
        """Return up to `k` items that the user has not chosen, best first."""
        own = np.array(list(self._own.get(user_row, ())), np.int64)
        if not len(own):
            return own
        neighbours, similarities, newest = self._neighbours(user_row, own[: -1 - N_ASKED : -1])
        if not len(neighbours):
            return neighbours
        # Of a neighbour's items counts how new the newest item is that both have: lambda of the paper.
        of_neighbours = similarities * np.maximum(0.0, 1 - 0.1 * (1 + newest))
        items = self._sessions[neighbours]
        is_item = items != _NOBODY
        weights = np.broadcast_to(of_neighbours[:, None], items.shape)
        scores = np.bincount(items[is_item], weights[is_item], self._n_items).astype(np.float64)
        if self._with_idf:
            scores *= np.log(len(self._own) / np.maximum(1, self._n_of_item[: self._n_items]))
        scores[scores <= 0] = -np.inf
        return best_rows(scores, own, k)

    def _neighbours(self, user_row: int, asked: Rows) -> tuple[Rows, NDArray[np.float64], Rows]:
        """Return the nearest users, how near they are, and the position of the newest of the items shared.

        Parameters
        ----------
        asked
            (A,) items, newest first.
        """
        users = self._users_of_item[asked]
        positions = np.broadcast_to(np.arange(len(asked))[:, None], users.shape)
        is_other = (users != _NOBODY) & (users != user_row)
        matching, which = np.unique(users[is_other], return_inverse=True)
        positions = positions[is_other]
        shares = 1 - positions / len(asked)
        similarities = np.bincount(which, shares, len(matching)).astype(np.float64)
        newest = np.full(len(matching), len(asked), np.int64)
        np.minimum.at(newest, which, positions)
        recent = np.argsort(-self._newest_event[matching], kind="stable")[:N_RECENT]
        nearest = recent[np.argsort(-similarities[recent], kind="stable")[:N_NEIGHBOURS]]
        return matching[nearest], similarities[nearest], newest[nearest]

    def _grow(self, n_users: int, n_items: int) -> None:
        self._n_items = max(self._n_items, n_items)
        self._n_of_session = grown(self._n_of_session, n_users)
        self._newest_event = grown(self._newest_event, n_users)
        self._n_of_item = grown(self._n_of_item, n_items)
        self._sessions = grown(self._sessions, n_users, _NOBODY)
        self._users_of_item = grown(self._users_of_item, n_items, _NOBODY)
