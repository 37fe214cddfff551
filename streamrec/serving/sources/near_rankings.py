"""Copies of rankings inside the process, renewed beside the requests."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from streamrec.domain.popularity.ranked_item import Ranking
from streamrec.errors import StreamrecError
from streamrec.ports import RankedItem
from streamrec.serving.sources.copies import Copies, Copy

RENEWED_AFTER_S = 1.0
"""A copy older than this is used once more, and renewed beside the request. The trainer publishes once a
second: sooner there is nothing new."""

TOO_OLD_S = 2.0
"""A copy older than this is waited for."""

_READ_AT_LEAST = 1001
"""One more than a ranking has, mostly: its end is seen then, and one copy serves every limit."""

_MAX_RANKINGS = 1000
"""Windows times categories; some 150 MB where each is as long as rankings get. Those used last stay."""

_MAX_ABSENT = 1000
"""Names that no ranking has, remembered apart: they come from outside and must not drive out rankings."""

Read = Callable[[str, int], Awaitable[list[RankedItem]]]


class _Head(NamedTuple):
    ranking: Ranking
    limit: int

    def reaches(self, limit: int) -> bool:
        return limit <= self.limit or len(self.ranking) < self.limit


class NearRankings:
    """Rankings read a moment ago, and names that none had: an answer that asks in vain waits only once.

    Parameters
    ----------
    read
        Reads a ranking's head.
    clock
        Seconds; only differences count.
    too_old_s
        Age from which a copy is read anew; 0: always.

    Attributes
    ----------
    n_kept
        Rankings that were read so far.
    """

    def __init__(self, read: Read, clock: Callable[[], float], too_old_s: float = TOO_OLD_S) -> None:
        self._read = read
        self._clock = clock
        self._too_old_s = too_old_s
        self._copies = Copies[_Head](_MAX_RANKINGS)
        self._absent = Copies[_Head](_MAX_ABSENT)
        self._readings: dict[tuple[str, int], asyncio.Task[Ranking]] = {}
        self.n_kept = 0

    def young_until(self, names: Iterable[str]) -> float:
        """Return up to when copies at hand are answered with, and nothing is read."""
        copies = (self._copies.get(name) or self._absent.get(name) for name in names)
        read_at = min((copy.read_at for copy in copies if copy is not None), default=-math.inf)
        return read_at + min(RENEWED_AFTER_S, self._too_old_s)

    def at_hand(self, name: str, limit: int) -> Ranking | None:
        """Return a ranking, of at least so many items where there are, if its copy is not too old."""
        copy = self._copies.get(name) or self._absent.get(name)
        if copy is None or not copy.value.reaches(limit):
            return None
        age_s = self._clock() - copy.read_at
        if age_s >= self._too_old_s:
            return None
        if age_s >= RENEWED_AFTER_S:
            self._reading(name, _n_read(limit))
        return copy.value.ranking

    async def read(self, name: str, limit: int) -> Ranking:
        """Return the same as it is now.

        Raises
        ------
        StreamrecError
            Which is the reader's own.
        """
        if not self._too_old_s:
            return self._keep(name, await self._read(name, limit), limit, self._clock())
        # All who wait for it wait for one reading; whoever gives up does not end it for the others.
        return await asyncio.shield(self._reading(name, _n_read(limit)))

    def last(self, name: str) -> Ranking:
        """Return what was read last, however long ago; nothing where nothing was."""
        copy: Copy[_Head] | None = self._copies.get(name)
        return Ranking(()) if copy is None else copy.value.ranking

    async def aclose(self) -> None:
        """Wait for what is being read."""
        await asyncio.gather(*self._readings.values(), return_exceptions=True)

    def _reading(self, name: str, limit: int) -> asyncio.Task[Ranking]:
        key = (name, limit)
        if key not in self._readings:
            self._readings[key] = asyncio.create_task(self._renew(name, limit))
            self._readings[key].add_done_callback(lambda done: self._ended(key, done))
        return self._readings[key]

    async def _renew(self, name: str, limit: int) -> Ranking:
        asked_at = self._clock()
        return self._keep(name, await self._read(name, limit), limit, asked_at)

    def _keep(self, name: str, items: list[RankedItem], limit: int, read_at: float) -> Ranking:
        ranking = Ranking(items)
        self.n_kept += 1
        kept, dropped = (self._copies, self._absent) if items else (self._absent, self._copies)
        kept.keep({name: _Head(ranking, limit)}, read_at)
        dropped.drop([name])
        return ranking

    def _ended(self, key: tuple[str, int], task: asyncio.Task[Ranking]) -> None:
        del self._readings[key]
        # One that nobody waits for may fail: the copy grows too old, and then somebody waits and is told.
        if not task.cancelled() and not isinstance(task.exception(), StreamrecError | None):
            raise task.exception()  # type: ignore[misc]  # a fault of ours: let the loop report it


def _n_read(limit: int) -> int:
    return max(limit, _READ_AT_LEAST)
