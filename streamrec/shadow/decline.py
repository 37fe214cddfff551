"""Sequential test of whether a list hits less often than it used to."""

from collections import Counter, deque
from collections.abc import Collection

from streamrec.shadow.worsening import Evidence

_LEAST = 0.85
"""Share of the usual hits."""

_MEMORY = 2500.0
"""Whole events that say what is usual, older ones less and less; more would take growth for poison."""

_LEAST_KNOWN = 2000
"""Events after which that is believed."""

_LAST_EVENTS = 1000
"""Among which a user's own are counted."""

_OF_ONE_USER = 15
"""Events of a user among the last ones at which the next is worth half of one."""


class Decline(Evidence):
    """Bets on each event that a list hits less than 85 % as often as it usually does.

    While it hits as often as that, nobody wins by betting on it, as with `Worsening`. It is held against
    itself on other events, which may have been easier. So, unlike that one, it also finds that the stream has
    changed, and no bound on false alarms holds on any stream.

    Events of one user are alike: a list that never has what a user of a rare taste chooses would be called
    worse after some hundred events of that user in a row. So the more of the last events were a user's, the
    less the next one is worth.

    >>> decline = Decline()
    >>> for n in range(6000):
    ...     decline.note(f"user-{n}", is_hit=n % 5 == 0)
    >>> decline.is_worse
    False
    >>> for n in range(1500):
    ...     decline.note(f"user-{n}", is_hit=n % 15 == 0)
    >>> decline.is_worse
    True
    """

    def __init__(self) -> None:
        super().__init__()
        self._n = self._n_hits = 0.0
        self._n_noted = 0
        self._last_users: deque[str] = deque()
        self._n_of_user: Counter[str] = Counter()

    def note(self, user_id: str, is_hit: bool) -> None:
        """Note whether the list has the item of a user's event, before the event is learned."""
        worth = self._worth(user_id)
        usual = self._n_hits / self._n if self._n_noted >= _LEAST_KNOWN else 0.0
        kept = 1 - worth / _MEMORY
        self._n, self._n_hits = kept * self._n + worth, kept * self._n_hits + worth * is_hit
        self._n_noted += 1
        self.bet(worth * (_LEAST * usual - is_hit))

    def forget(self, user_ids: Collection[str]) -> None:
        """Drop what is kept of users."""
        self._last_users = deque(user_id for user_id in self._last_users if user_id not in user_ids)
        for user_id in user_ids:
            self._n_of_user.pop(user_id, None)

    def _worth(self, user_id: str) -> float:
        """Return which part of a whole event the next one of a user is, and count it among the last ones."""
        worth = _OF_ONE_USER / (_OF_ONE_USER + self._n_of_user[user_id])
        self._last_users.append(user_id)
        self._n_of_user[user_id] += 1
        if len(self._last_users) > _LAST_EVENTS:
            oldest = self._last_users.popleft()
            self._n_of_user[oldest] -= 1
            if not self._n_of_user[oldest]:
                del self._n_of_user[oldest]
        return worth
