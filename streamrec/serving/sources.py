"""Where candidates come from. The recommender asks the sources in order until an answer is full."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from streamrec.domain.recommendation import BasedOn, SourceName
from streamrec.ports import HotCache, IndexAnswer, IndexQuery, ItemIndex, RankedItem
from streamrec.serving.guard import Attempts, Guard

DECAYED = "decayed"
ALL_TIME = "all"
"""Windows of popularity, as the trainer names its rankings."""

MAX_REMEMBERED = 1000
"""Rankings kept for when the cache is down: some windows times some hundred categories."""


class Asker(msgspec.Struct):
    """Who asks, as far as the sources need to know.

    Attributes
    ----------
    vector, generation
        The user's (D + 1,) float32 bytes and the model they belong to; None for a stranger.
    item_id
        What the user looks at.
    banned
        Not to be offered: seen (when asked so) and disliked.
    categories
        Only these are wanted; empty: all.
    attempts
        Notes whether a part failed.
    served_generation
        Of the index that answered; the sources note it here.
    """

    vector: bytes | None
    generation: str | None
    item_id: str | None
    banned: Sequence[str]
    categories: frozenset[str]
    attempts: Attempts
    served_generation: str | None = None


class CandidateSource(Protocol):
    """One way to find items for somebody."""

    name: SourceName
    based_on: BasedOn
    knows_categories: bool
    """Whether candidates are in the wanted categories already."""

    async def candidates(self, asker: Asker, n: int) -> Sequence[RankedItem]:
        """Return up to `n` items, best first; fewer than `n` means that there are no more."""


class _IndexSource:
    """What the sources that ask the index share."""

    knows_categories = False

    def __init__(self, index: ItemIndex, guard: Guard) -> None:
        self._index = index
        self._guard = guard

    async def _search(self, asker: Asker, query: IndexQuery) -> Sequence[RankedItem]:
        nothing = IndexAnswer("", [], is_missing=True)
        answer = await asker.attempts.of(self._guard, lambda: self._index.search(query), nothing)
        if answer.is_missing:
            return ()
        asker.served_generation = answer.generation
        return answer.items


class VectorSource(_IndexSource):
    """Items nearest to the user's own vector."""

    name: SourceName = "gmf"
    based_on: BasedOn = "user_id"

    async def candidates(self, asker: Asker, n: int) -> Sequence[RankedItem]:
        """Return the index's best; nothing for a stranger, or when the user's generation is not served."""
        if asker.vector is None:
            return ()
        query = IndexQuery(n, vector=asker.vector, exclude=asker.banned, generation=asker.generation)
        return await self._search(asker, query)


class SimilarSource(_IndexSource):
    """Items like the one that is looked at."""

    name: SourceName = "similar"
    based_on: BasedOn = "item_id"

    async def candidates(self, asker: Asker, n: int) -> Sequence[RankedItem]:
        """Return the index's best; nothing when no item is named or the index does not have it."""
        if asker.item_id is None:
            return ()
        # Of the generation that answered before, if one did: no list is of two.
        generation = asker.served_generation
        query = IndexQuery(n, item_id=asker.item_id, exclude=asker.banned, generation=generation)
        return await self._search(asker, query)


class PopularSource:
    """What everybody chooses; the last rankings read stay at hand for when the cache is down."""

    name: SourceName = "popular"
    based_on: BasedOn = "popular_items"
    knows_categories = True

    def __init__(self, window: str, cache: HotCache, guard: Guard) -> None:
        self._window = window
        self._cache = cache
        self._guard = guard
        self._remembered: dict[str, list[RankedItem]] = {}

    async def candidates(self, asker: Asker, n: int) -> Sequence[RankedItem]:
        """Return the window's best, or the best of the wanted categories together."""
        names = [f"{self._window}:{category}" for category in sorted(asker.categories)] or [self._window]
        limit = n + len(asker.banned)
        rankings = await asyncio.gather(*(self._ranking(asker, name, limit) for name in names))
        ranked = list(rankings[0]) if len(names) == 1 else _merge(rankings)
        banned = set(asker.banned)
        return [item for item in ranked if item.item_id not in banned][:n]

    async def _ranking(self, asker: Asker, name: str, limit: int) -> list[RankedItem]:
        remembered = self._remembered.get(name, [])
        ranking = await asker.attempts.of(self._guard, lambda: self._cache.popular(name, limit), remembered)
        # Names come from outside: only those that exist are remembered.
        if ranking and (remembered or len(self._remembered) < MAX_REMEMBERED):
            self._remembered[name] = ranking
        return ranking[:limit]


def _merge(rankings: Sequence[Sequence[RankedItem]]) -> list[RankedItem]:
    """Return all items by falling score, each once."""
    best: dict[str, RankedItem] = {}
    for ranking in rankings:
        best.update((item.item_id, item) for item in ranking)
    return sorted(best.values(), key=lambda item: -item.score)
