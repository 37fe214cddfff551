"""Reader of what is popular."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from streamrec.domain.popularity.ranked_item import RankedNumbers, Ranking
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.sources.cohorts import WINDOW as COHORTS
from streamrec.domain.sources.cohorts import ranking_of
from streamrec.domain.sources.request_context import RequestContext
from streamrec.errors import StreamrecError
from streamrec.ports import RankedItem, Rankings
from streamrec.serving.guard import ALL_WELL, Answered, Guard
from streamrec.serving.sources.near_rankings import NearRankings

ByWindow = Mapping[str, RankedNumbers]
"""Rankings by the window of popularity."""


class _AtHand(NamedTuple):
    """Rankings that were at hand for a request without categories, of at least `limit` items each.

    Until then they are, unless one is read meanwhile: most requests want the same, and to look at each takes
    longer than to rank by them.
    """

    windows: Sequence[str]
    items: ItemNumbers
    limit: int
    n_kept: int
    until: float
    rankings: ByWindow

    def is_of(self, windows: Sequence[str], items: ItemNumbers, limit: int, n_kept: int) -> bool:
        """Return whether these are the rankings that are wanted, and none was read since."""
        is_same = self.n_kept == n_kept and self.items is items
        return is_same and limit <= self.limit and windows == self.windows


class RankingReader:
    """Reads what is popular; the last rankings are kept for when the cache is down.

    Parameters
    ----------
    too_old_s
        Age from which a copy of a ranking is not used any more; 0: none is.
    """

    def __init__(
        self,
        cache: Rankings,
        guard: Guard,
        too_old_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        def read(name: str, limit: int) -> Awaitable[list[RankedItem]]:
            return guard.call(lambda: cache.popular(name, limit))

        self._near = NearRankings(read, clock, too_old_s)
        self._clock = clock
        self._last: _AtHand | None = None
        self._part = frozenset((guard.name,))

    def at_hand(
        self, windows: Sequence[str], context: RequestContext, n: int, items: ItemNumbers
    ) -> ByWindow | None:
        """Return what `read` does where all of it is at hand, as it mostly is; else None."""
        limit = n + len(context.banned)
        if context.categories or context.cohorts:
            return self._rankings_at_hand(list(_parts(windows, context)), limit, items)
        last, n_kept = self._last, self._near.n_kept
        are_last = last is not None and last.is_of(windows, items, limit, n_kept)
        if are_last and last is not None and self._clock() < last.until:
            return last.rankings
        parts = list(_parts(windows, context))
        rankings = self._rankings_at_hand(parts, limit, items)
        if rankings is not None and not are_last:
            until = self._near.young_until(chain.from_iterable([names for _, names in parts]))
            self._last = _AtHand(windows, items, limit, n_kept, until, rankings)
        return rankings

    def _rankings_at_hand(
        self, parts: Sequence[tuple[str, list[str]]], limit: int, items: ItemNumbers
    ) -> ByWindow | None:
        rankings: dict[str, RankedNumbers] = {}
        for ranking, names in parts:
            heads = []
            for name in names:
                head = self._near.at_hand(name, limit)
                if head is None:
                    return None
                heads.append(head)
            rankings[ranking] = _merged(heads, items)
        return rankings

    async def read(
        self, windows: Sequence[str], context: RequestContext, n: int, items: ItemNumbers
    ) -> Answered[ByWindow]:
        """Return the head of each window's ranking, or of those of the wanted categories together.

        Instead of the window of cohorts, it returns one for each of the user's cohorts.

        It is at least as long as it takes for `n` items that the context does not ban, where there are any.
        """
        at_hand = self.at_hand(windows, context, n, items)
        if at_hand is not None:
            return Answered(at_hand)
        limit = n + len(context.banned)
        names = dict(_parts(windows, context))
        heads = await self.rankings(chain.from_iterable(names.values()), limit)
        rankings = {
            ranking: _merged([heads[name].value for name in some], items) for ranking, some in names.items()
        }
        return Answered(rankings, ALL_WELL.union(*(head.failed for head in heads.values())))

    async def rankings(self, names: Iterable[str], limit: int) -> dict[str, Answered[Ranking]]:
        """Return some rankings by name, each of at least so many items where there are.

        What is at hand is not waited for: for the sake of a task all other answers would go first, twice.
        """
        at_hand = {name: self._near.at_hand(name, limit) for name in names}
        found = {name: Answered(head) for name, head in at_hand.items() if head is not None}
        missing = [name for name in at_hand if name not in found]
        if missing:
            read = await asyncio.gather(*(self._read(name, limit) for name in missing))
            found |= zip(missing, read, strict=True)
        return found

    async def _read(self, name: str, limit: int) -> Answered[Ranking]:
        try:
            return Answered(await self._near.read(name, limit))
        except StreamrecError:
            return Answered(self._near.last(name), self._part)

    async def aclose(self) -> None:
        """Wait for what is being read."""
        await self._near.aclose()


def _parts(windows: Sequence[str], context: RequestContext) -> Iterator[tuple[str, list[str]]]:
    """Yield each ranking that is wanted, and the names of those that it consists of."""
    for window in windows:
        if window == COHORTS:
            yield from ((name, [name]) for name in map(ranking_of, context.cohorts))
        else:
            yield window, names_of(window, context)


def names_of(ranking: str, context: RequestContext) -> list[str]:
    """Return the names of a ranking's parts within the wanted categories, or its own where all are wanted."""
    if not context.categories:
        return [ranking]
    return [f"{ranking}:{category}" for category in sorted(context.categories)]


def _merged(rankings: Sequence[Ranking], items: ItemNumbers) -> RankedNumbers:
    """Return all items by falling score, each once."""
    if len(rankings) == 1:
        return rankings[0].by_number(items)
    of_all = [ranking.by_number(items) for ranking in rankings]
    numbers = np.concatenate([one.numbers for one in of_all])
    scores = np.concatenate([one.scores for one in of_all])
    order = np.argsort(-scores, kind="stable")
    numbers, scores = numbers[order], scores[order]
    # Of an item that stands in several, the first is that of its highest score.
    firsts = np.sort(np.unique(numbers, return_index=True)[1])
    return RankedNumbers(numbers[firsts], scores[firsts])
