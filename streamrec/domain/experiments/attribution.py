"""Attribution of events to lists that were shown: by the request's id, else by user, item and time.

A list belongs to a user, and an event to the newest list of its user that showed the item within the window.
An event that names a request is about that answer and no other.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

Kind = Literal["click", "purchase", "other"]
"""Of an event; only clicks and purchases are attributed. `other` is activity all the same."""

CLICK: Final = "click"
PURCHASE: Final = "purchase"
OTHER: Final = "other"

_MOST_OF_USER = 200
"""Lists kept of one user: for each event they are looked through."""


class Showing(msgspec.Struct, gc=False, array_like=True, tag="showing"):
    """A list that was shown, as long as events may belong to it.

    Attributes
    ----------
    at
        Unix seconds.
    experiments
        Id, version and variant of each experiment that the list belongs to.
    teams
        Of a list that interleaves: position of the variant that each item is of; else empty.
    interleaved
        Experiment that the teams are of.
    answers
        Experiment id, position of the item and kind of each event that was attributed to it: once each.
    """

    user_id: str
    at: float
    request_id: str
    items: list[str]
    experiments: list[tuple[str, int, str]]
    teams: list[int] = []
    interleaved: str | None = None
    answers: list[tuple[str, int, Kind]] = []

    def is_answered(self, experiment_id: str, kind: Kind) -> bool:
        """Return whether an event of a kind was attributed to it in an experiment."""
        return any(one[0] == experiment_id and one[2] == kind for one in self.answers)


class Act(msgspec.Struct, gc=False, array_like=True, tag="act"):
    """An event of a user.

    Attributes
    ----------
    at
        Unix seconds in which it arrived.
    value
        Such as a price; 0 where there is none.
    request_id
        Names the answer that it is about.
    """

    user_id: str
    at: float
    item_id: str
    kind: Kind
    value: float = 0.0
    request_id: str | None = None


class ShownLists:
    """Lists shown lately, by user; the oldest are dropped when there are too many.

    Parameters
    ----------
    most
        Lists at most.

    Attributes
    ----------
    n_evicted
        Lists that were dropped before their time.

    >>> lists = ShownLists(most=2)
    >>> for at in (1.0, 2.0, 3.0):
    ...     lists.add(Showing("u", at, f"r{at:.0f}", ["i"], [("x", 1, "a")]))
    >>> lists.n_evicted, [one.request_id for one in lists.candidates(Act("u", 9.0, "i", "click"))]
    (1, ['r3', 'r2'])
    """

    def __init__(self, most: int, kept: Iterable[Showing] = ()) -> None:
        self._most = most
        self._of_user: dict[str, deque[Showing]] = {}
        # Holds dropped ones, too, until they are the oldest.
        self._order: deque[Showing] = deque()
        self._n = 0
        self.n_evicted = 0
        for showing in kept:
            self.add(showing)

    def __len__(self) -> int:
        return self._n

    def add(self, showing: Showing) -> None:
        """Add a list; lists come in the order of their times."""
        of_user = self._of_user.setdefault(showing.user_id, deque())
        of_user.append(showing)
        self._order.append(showing)
        self._n += 1
        if len(of_user) > _MOST_OF_USER:
            of_user.popleft()
            self._n -= 1
            self.n_evicted += 1
        while self._n > self._most:
            self.n_evicted += self._drop_oldest()

    def candidates(self, act: Act) -> list[Showing]:
        """Return the lists that showed an event's item to its user before it, the newest first.

        Of an event that names a request these are the lists of this request, also where they are later by
        their clock: what it names is certain.
        """
        return [
            showing
            for showing in reversed(self._of_user.get(act.user_id, ()))
            if (showing.at <= act.at if act.request_id is None else showing.request_id == act.request_id)
            and act.item_id in showing.items
        ]

    def expire(self, until: float) -> None:
        """Drop the lists that were shown before a time."""
        while self._order and self._order[0].at < until:
            self._drop_oldest()

    def forget(self, user_id: str) -> None:
        """Drop the lists of a user."""
        self._n -= len(self._of_user.pop(user_id, ()))

    def kept(self) -> list[Showing]:
        """Return all lists in the order of their times, for a checkpoint."""
        return sorted(
            (one for of_user in self._of_user.values() for one in of_user),
            key=lambda one: (one.at, one.user_id),
        )

    def _drop_oldest(self) -> int:
        """Drop the oldest list; return how many were dropped: none if it was dropped before."""
        oldest = self._order.popleft()
        of_user = self._of_user.get(oldest.user_id)
        if of_user is None or of_user[0] is not oldest:
            return 0
        of_user.popleft()
        if not of_user:
            del self._of_user[oldest.user_id]
        self._n -= 1
        return 1
