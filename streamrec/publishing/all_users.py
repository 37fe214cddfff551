"""Publishing of all users, a part at a time, beside those whom the stream changes."""

import numpy as np

from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import UserUpdates
from streamrec.publishing.publications import UserPublication
from streamrec.publishing.publisher import Publisher
from streamrec.publishing.views import user_states

USERS_AT_ONCE = 1000
"""Users in one transaction of the store: some tens of milliseconds, for which the stream's users wait."""


class AllUsers:
    """Hands all users over while the publisher wants them, so many with each step of the loop."""

    def __init__(self, state: TrainerState, publisher: Publisher) -> None:
        self._state, self._publisher = state, publisher
        self._wish: int | None = None
        self._next_row = self._n_rows = 0

    def publish_if_due(self, _now: float) -> None:
        """Hand over the next users, if they are wanted; waits for the last ones."""
        wish = self._publisher.wish
        if wish != self._wish:
            # Those who come later are published by the loop.
            self._wish, self._next_row, self._n_rows = wish, 0, self._state.user_ids.n_rows
        if wish is None:
            return
        if self._next_row < self._n_rows:
            rows = np.arange(self._next_row, min(self._next_row + USERS_AT_ONCE, self._n_rows))
            states = user_states(self._state, rows)
            self._publisher.publish_users(UserPublication(UserUpdates(states, []), [], []))
            self._next_row += len(rows)
        if self._next_row >= self._n_rows:
            self._publisher.fulfil(wish)
