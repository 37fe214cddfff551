"""Records wait until all are read that were written before them, and come out in the order of their times.

Two logs are read beside each other, so that an event may be read before the list that it answers, and after
a restart in another order than before. What is counted must not depend on that: a record is handled once the
logs are read `settle_s` past its time. Until then it waits here.
"""

import heapq
from collections.abc import Iterator
from itertools import count
from typing import Final

import msgspec

from streamrec.domain.experiments.attribution import Act, Showing

LATEST_SHARE: Final = 0.4
"""Of `settle_s`: a list may be appended so much later than it was shown; one that is later counts as shown
this much before."""

LEAD_SHARE: Final = 0.4
"""Of `settle_s`: lists are handled so much before events of the same time. An event that names its request
finds the list also where the recommender's clock is this much ahead of the log's."""

_BEHIND_S: Final = 3600.0
_MOST_BEHIND: Final = 100
"""So many records one after the other, each an hour or more before what was settled: the log's clock was
ahead, and is followed again. Until then they are handled at once."""


class Erased(msgspec.Struct, gc=False, array_like=True, tag="erased"):
    """A user who was erased at a time, in Unix seconds."""

    user_id: str
    at: float


Waiting = Showing | Act | Erased

Entry = tuple[float, int, Waiting]
"""Time at which it is handled, number, and the record: of one user and one time, as they were read."""


class Settling:
    """Records that wait, by their times.

    Parameters
    ----------
    settle_s
        Seconds that the logs must have been read past a record's time.
    most
        Records that wait at most: of more, the oldest are handled before their time.
    entries
        From a checkpoint.

    Attributes
    ----------
    settled_to
        All before this time was handled, in Unix seconds.
    n_hurried
        Records handled before their time.

    >>> settling = Settling(10.0, most=100)
    >>> settling.add_act(Act("u", 100.0, "i", "click"))
    >>> settling.add_showing(Showing("u", 99.0, "r", ["i"], []), appended_at=101.0)
    >>> [type(one).__name__ for _, one in settling.until(109.0)], [*settling.until(110.0)][0][0]
    (['Showing'], 100.0)
    """

    def __init__(
        self, settle_s: float, most: int, entries: list[Entry] | None = None, settled_to: float = 0.0
    ) -> None:
        self.settle_s = settle_s
        self._most = most
        self._entries = entries or []
        heapq.heapify(self._entries)
        self._numbers = count(max((number for _, number, _ in self._entries), default=0) + 1)
        self.settled_to = settled_to
        self._n_behind = 0
        self.n_hurried = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add_showing(self, showing: Showing, appended_at: float) -> None:
        """Let a list wait.

        Parameters
        ----------
        appended_at
            By the log's clock. A list that says it was shown later, or long before, counts as shown then.
        """
        earliest = appended_at - self.settle_s * LATEST_SHARE
        showing.at = min(max(showing.at, earliest), appended_at)
        self._add(showing.at - self.settle_s * LEAD_SHARE, showing)

    def add_act(self, act: Act) -> None:
        """Let an event wait."""
        self._add(act.at, act)

    def add_erased(self, erased: Erased) -> None:
        """Let a user's erasure wait, behind all that was shown to the user before it."""
        self._add(erased.at, erased)

    def _add(self, at: float, one: Waiting) -> None:
        self._n_behind = self._n_behind + 1 if at < self.settled_to - _BEHIND_S else 0
        if self._n_behind == _MOST_BEHIND:
            self.settled_to = at
        heapq.heappush(self._entries, (at, next(self._numbers), one))

    def until(self, read_to: float) -> Iterator[tuple[float, Waiting]]:
        """Take out what settles once the logs are read up to a time, oldest first, with the time of each."""
        self.settled_to = max(self.settled_to, read_to - self.settle_s)
        while self._entries and (self._entries[0][0] <= self.settled_to or len(self._entries) > self._most):
            at, _, one = heapq.heappop(self._entries)
            self.n_hurried += at > self.settled_to
            yield at, one

    def entries(self) -> list[Entry]:
        """Return what waits, in order, for a checkpoint."""
        return sorted(self._entries, key=lambda entry: entry[:2])
