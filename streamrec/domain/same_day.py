"""How many users chose two items on the same day."""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.covisitation import CoVisitation, CoVisitationRules, Nearest

Rows = NDArray[np.int64]

_DAY_S = 86_400

_MOST_ITEMS_A_DAY = 100
"""Further items of a user's day do not count: a robot would pair everything with everything."""

_MOST_USER_DAYS = 100_000
"""Days that may still go on, some 100 MB at the worst; what comes later for an older one begins it anew."""


class SameDayCounts:
    """Counts each pair of different items once for each user and each day (UTC) that has both.

    >>> counts = SameDayCounts(n_kept=8)
    >>> counts.add(np.array([1, 1, 1]), np.array([0, 5, 0]), np.array([10.0, 20.0, 30.0]))
    >>> counts.neighbours(np.array([0]), k=1).rows.tolist()
    [[5]]
    """

    def __init__(self, n_kept: int) -> None:
        self._visits = CoVisitation(CoVisitationRules(n_kept, distance_decay=1.0, is_by_count=True))
        self._days: OrderedDict[tuple[int, int], dict[int, None]] = OrderedDict()

    def add(self, user_rows: Rows, item_rows: Rows, timestamps: NDArray[np.float64]) -> None:
        """Count B events; `timestamps` are Unix seconds in any order."""
        days = (timestamps // _DAY_S).astype(np.int64)
        before = [
            self._others_of_the_day(user, day, item)
            for user, day, item in zip(user_rows.tolist(), days.tolist(), item_rows.tolist(), strict=True)
        ]
        histories = np.full((len(before), max(map(len, before), default=0)), -1)
        for history, others in zip(histories, before, strict=True):
            history[: len(others)] = others
        self._visits.add(item_rows, histories, timestamps, np.ones(len(item_rows)))

    def neighbours(self, rows: Rows, k: int) -> Nearest:
        """Return up to `k` items that were chosen with each of (R,) items, most often first."""
        return self._visits.neighbours(rows, k)

    def _others_of_the_day(self, user: int, day: int, item: int) -> list[int]:
        """Return the user's items of the day so far; none when this one is among them: it counted then."""
        chosen = self._days.setdefault((user, day), {})
        self._days.move_to_end((user, day))
        if len(self._days) > _MOST_USER_DAYS:
            self._days.popitem(last=False)
        if item in chosen or len(chosen) == _MOST_ITEMS_A_DAY:
            return []
        others = list(chosen)
        chosen[item] = None
        return others
