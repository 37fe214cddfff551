"""Items that everybody chooses, as a source of candidates."""

import asyncio
from collections.abc import Sequence
from itertools import islice

from streamrec.domain.ranking.candidates import Proposal
from streamrec.ports import RankedItem, Rankings
from streamrec.serving.guard import Guard
from streamrec.serving.sources.ranked_sources import proposal_of
from streamrec.serving.sources.request_context import RequestContext

MAX_REMEMBERED = 1000
"""Rankings kept for when the cache is down, those that were asked for last."""


class PopularSource:
    """Items that everybody chooses in one window; the last rankings are kept for when the cache is down."""

    def __init__(self, window: str, cache: Rankings, guard: Guard) -> None:
        self._window = window
        self._cache = cache
        self._guard = guard
        self._remembered: dict[str, list[RankedItem]] = {}

    async def propose(self, context: RequestContext, n: int) -> dict[str, Proposal[str]]:
        """Return the window's best, or the best of the wanted categories together."""
        limit = n + len(context.banned)
        if context.categories:
            names = [f"{self._window}:{category}" for category in sorted(context.categories)]
            ranked = _merge(await asyncio.gather(*(self._ranking(context, name, limit) for name in names)))
        else:
            ranked = await self._ranking(context, self._window, limit)
        # Lazily: of a long ranking the first few hold as many as are wanted.
        banned, only = context.banned, context.only
        wanted = (item for item in ranked if item[0] not in banned and (not only or item[0] in only))
        return {f"popular_{self._window}": proposal_of(list(islice(wanted, n)))}

    async def _ranking(self, context: RequestContext, name: str, limit: int) -> list[RankedItem]:
        remembered = self._remembered.get(name, [])
        ranking = await context.attempts.of(self._guard, lambda: self._cache.popular(name, limit), remembered)
        # Names come from outside: only those that exist are remembered. Where the cache fails, `ranking` is
        # what was remembered; an empty one is a category's that lost its last item.
        self._remembered.pop(name, None)
        if ranking:
            self._remembered[name] = ranking
        if len(self._remembered) > MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        return ranking[:limit]


def _merge(rankings: Sequence[Sequence[RankedItem]]) -> list[RankedItem]:
    """Return all items by falling score, each once."""
    best: dict[str, RankedItem] = {}
    for ranking in rankings:
        best.update((item.item_id, item) for item in ranking)
    return sorted(best.values(), key=lambda item: -item.score)
