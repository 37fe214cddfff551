"""Readers of what the sources need; a part that does not answer is done without."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.sources.findings import Nearest
from streamrec.domain.sources.request_context import RequestContext
from streamrec.ports import ById, ByVector, IndexAnswer, ItemQuery, RankedItem, Rankings, VectorSearch
from streamrec.serving.guard import ALL_WELL, Answered, Guard

MAX_REMEMBERED = 5000
"""Rankings kept for when the cache is down, those that were asked for last: 1,000 categories by window."""


class NearestReader:
    """Reads what the index has nearest to the user's vector, or to the item that an unknown user looks at."""

    def __init__(self, index: VectorSearch, guard: Guard) -> None:
        self._index = index
        self._guard = guard

    async def read(self, context: RequestContext, n: int) -> Answered[Nearest | None]:
        """Return up to `n` items; None when it has neither the user's generation nor the item."""
        query = _query_of(context, n)
        if query is None:
            return Answered(None)
        if context.only:
            return await self._rank_only(context)
        nothing = IndexAnswer("", is_missing=True)
        answer, failed = await self._guard.ask(lambda: self._index.search(query), nothing)
        if answer.is_missing:
            return Answered(None, failed)
        nearest = Proposal(answer.ids, answer.scores, is_logit=True)
        return Answered(Nearest(nearest, answer.generation), failed)

    async def vectors(self, item_ids: Sequence[str], generation: str | None) -> Answered[dict[str, bytes]]:
        """Return the vectors of up to 1,000 items, as far as the generation has them."""
        nothing: dict[str, bytes] = {}
        return await self._guard.ask(lambda: self._index.vectors(item_ids, generation), nothing)

    async def _rank_only(self, context: RequestContext) -> Answered[Nearest | None]:
        """Rank the wanted items by their vectors: an item far down in the index's ranking counts as well."""
        query, failed = context.vector, ALL_WELL
        if query is None and context.item_id is not None:
            looked_at, failed = await self.vectors([context.item_id], context.generation)
            query = looked_at.get(context.item_id)
        if query is None:
            return Answered(None, failed)
        wanted = [item_id for item_id in context.only if context.wants(item_id)]
        found, failed_later = await self.vectors(wanted, context.generation)
        failed |= failed_later
        # Between the two looks another generation may have taken over, of another dimension.
        found = {item_id: vector for item_id, vector in found.items() if len(vector) == len(query)}
        if not found:
            return Answered(None, failed)
        nearest = ranked_by(query, found, with_bias=context.vector is not None)
        return Answered(Nearest(nearest, context.generation), failed)


class RankingReader:
    """Reads what is popular; the last rankings are kept for when the cache is down."""

    def __init__(self, cache: Rankings, guard: Guard) -> None:
        self._cache = cache
        self._guard = guard
        self._remembered: dict[str, list[RankedItem]] = {}

    async def read(self, window: str, context: RequestContext, n: int) -> Answered[list[RankedItem]]:
        """Return the head of a window's ranking, or of those of the wanted categories together.

        It is as long as it takes for `n` items that the context does not ban.
        """
        limit = n + len(context.banned)
        if not context.categories:
            return await self._ranking(window, limit)
        names = [f"{window}:{category}" for category in sorted(context.categories)]
        rankings = await asyncio.gather(*(self._ranking(name, limit) for name in names))
        failed = ALL_WELL.union(*(ranking.failed for ranking in rankings))
        return Answered(_merge([ranking.value for ranking in rankings]), failed)

    async def _ranking(self, name: str, limit: int) -> Answered[list[RankedItem]]:
        remembered = self._remembered.get(name, [])
        ranking, failed = await self._guard.ask(lambda: self._cache.popular(name, limit), remembered)
        # Names come from outside: only those that exist are remembered. Where the cache fails, `ranking` is
        # what was remembered; an empty one is a category's that lost its last item.
        self._remembered.pop(name, None)
        if ranking:
            self._remembered[name] = ranking
        if len(self._remembered) > MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        return Answered(ranking[:limit], failed)


def _query_of(context: RequestContext, n: int) -> ItemQuery | None:
    """Return what to search for; None when there is nothing to go by."""
    exclude = list(context.banned)
    # A known user's own vector says more than what they look at.
    if context.vector is not None:
        return ByVector(context.vector, n, exclude, context.generation)
    return None if context.item_id is None else ById(context.item_id, n, exclude, context.generation)


def ranked_by(query: bytes, vectors: Mapping[str, bytes], *, with_bias: bool) -> Proposal[str]:
    """Return items by the inner product of their (D + 1,) float32 vectors with a query's, best first.

    >>> one, other, query = (np.array(row, "<f4").tobytes() for row in ([1, 0, 0], [0, 2, 9], [1, 1, 1]))
    >>> ranked_by(query, {"one": one, "other": other}, with_bias=False)
    Proposal(ids=['other', 'one'], scores=[2.0, 1.0], is_logit=True)
    """
    table = np.frombuffer(b"".join(vectors.values()), "<f4").reshape(len(vectors), -1)
    towards = np.frombuffer(query, "<f4")
    scores = table @ towards if with_bias else table[:, :-1] @ towards[:-1]
    order = np.argsort(-scores, kind="stable").tolist()
    ids = list(vectors)
    return Proposal([ids[row] for row in order], scores[order].tolist(), is_logit=True)


def _merge(rankings: Sequence[Sequence[RankedItem]]) -> list[RankedItem]:
    """Return all items by falling score, each once."""
    best: dict[str, RankedItem] = {}
    for ranking in rankings:
        best.update((item.item_id, item) for item in ranking)
    return sorted(best.values(), key=lambda item: -item.score)
