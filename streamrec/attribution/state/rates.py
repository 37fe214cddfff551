"""Rate of each user's events, which is what is known of a user before the first exposure.

It is the covariate of CUPED: Deng, Xu, Kohavi, Walker 2013, Improving the sensitivity of online controlled
experiments by utilizing pre-experiment data.
"""

import math
from collections.abc import Iterable
from typing import Final

HALF_LIFE_S: Final = 7 * 86_400.0
"""An event counts half after a week: long enough to tell the busy from the others, short enough to be of the
time just before the exposure."""


class UserRates:
    """Decayed count of each user's events; those that are silent longest are forgotten.

    Parameters
    ----------
    most
        Users at most.
    kept
        User id, decayed count, and the time in Unix seconds that it is of; those heard last come last.

    >>> rates = UserRates(most=2)
    >>> for at in (0.0, HALF_LIFE_S):
    ...     rates.add("u", at)
    >>> rates.of("u", HALF_LIFE_S), rates.of("u", 2 * HALF_LIFE_S), rates.of("v", 0.0)
    (1.5, 0.75, 0.0)
    """

    def __init__(self, most: int, kept: Iterable[tuple[str, float, float]] = ()) -> None:
        self._most = most
        self._of_user = {user_id: (n, at) for user_id, n, at in kept}
        self.n_evicted = 0

    def __len__(self) -> int:
        return len(self._of_user)

    def add(self, user_id: str, at: float) -> None:
        """Count an event."""
        before = self._of_user.pop(user_id, None)
        n = 0.0 if before is None else _decayed(*before, at)
        self._of_user[user_id] = (n + 1.0, at)
        if len(self._of_user) > self._most:
            del self._of_user[next(iter(self._of_user))]
            self.n_evicted += 1

    def of(self, user_id: str, at: float) -> float:
        """Return a user's decayed count at a time; 0 of one who is not known."""
        known = self._of_user.get(user_id)
        return 0.0 if known is None else _decayed(*known, at)

    def forget(self, user_id: str) -> None:
        """Drop what is known of a user."""
        self._of_user.pop(user_id, None)

    def kept(self) -> list[tuple[str, float, float]]:
        """Return all, for a checkpoint."""
        return [(user_id, n, at) for user_id, (n, at) in self._of_user.items()]


def _decayed(n: float, since: float, at: float) -> float:
    return n * math.exp2(-max(0.0, at - since) / HALF_LIFE_S)
