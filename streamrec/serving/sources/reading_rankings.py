"""Reader of what is popular."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np

from streamrec.domain.popularity.ranked_item import RankedNumbers, Ranking
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.sources.request_context import RequestContext
from streamrec.errors import StreamrecError
from streamrec.ports import RankedItem, Rankings
from streamrec.serving.guard import ALL_WELL, Answered, Guard
from streamrec.serving.sources.near_rankings import NearRankings

ByWindow = Mapping[str, RankedNumbers]
"""Rankings by the window of popularity."""


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
        self._part = frozenset((guard.name,))

    def at_hand(
        self, windows: Sequence[str], context: RequestContext, n: int, items: ItemNumbers
    ) -> ByWindow | None:
        """Return what `read` does where all of it is at hand, as it mostly is; else None."""
        limit = n + len(context.banned)
        rankings: dict[str, RankedNumbers] = {}
        for window in windows:
            heads = []
            for name in names_of(window, context):
                head = self._near.at_hand(name, limit)
                if head is None:
                    return None
                heads.append(head)
            rankings[window] = _merged(heads, items)
        return rankings

    async def read(
        self, windows: Sequence[str], context: RequestContext, n: int, items: ItemNumbers
    ) -> Answered[ByWindow]:
        """Return the head of each window's ranking, or of those of the wanted categories together.

        It is at least as long as it takes for `n` items that the context does not ban, where there are any.
        """
        at_hand = self.at_hand(windows, context, n, items)
        if at_hand is not None:
            return Answered(at_hand)
        limit = n + len(context.banned)
        names = {window: names_of(window, context) for window in windows}
        asked = [name for some in names.values() for name in some]
        heads = dict(
            zip(asked, await asyncio.gather(*(self.ranking(name, limit) for name in asked)), strict=True)
        )
        rankings = {
            window: _merged([heads[name].value for name in some], items) for window, some in names.items()
        }
        return Answered(rankings, ALL_WELL.union(*(head.failed for head in heads.values())))

    async def ranking(self, name: str, limit: int) -> Answered[Ranking]:
        """Return one ranking, of at least so many items where there are."""
        head = self._near.at_hand(name, limit)
        if head is not None:
            return Answered(head)
        try:
            return Answered(await self._near.read(name, limit))
        except StreamrecError:
            return Answered(self._near.last(name), self._part)

    async def aclose(self) -> None:
        """Wait for what is being read."""
        await self._near.aclose()


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
