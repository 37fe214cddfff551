"""Readers of what the sources need; a part that does not answer is done without."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np

from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.sources.findings import Nearest
from streamrec.domain.sources.request_context import RequestContext
from streamrec.errors import StreamrecError
from streamrec.ports import ById, ByVector, IndexAnswer, ItemQuery, RankedItem, Rankings, VectorSearch
from streamrec.serving.guard import ALL_WELL, Answered, Guard
from streamrec.serving.sources.near_rankings import NearRankings

ByWindow = Mapping[str, Sequence[RankedItem]]
"""Rankings by the window of popularity."""


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

    def at_hand(self, windows: Sequence[str], context: RequestContext, n: int) -> ByWindow | None:
        """Return what `read` does where all of it is at hand, else None: most answers wait for none."""
        limit = n + len(context.banned)
        rankings: dict[str, list[RankedItem]] = {}
        for window in windows:
            heads = []
            for name in names_of(window, context):
                head = self._near.at_hand(name, limit)
                if head is None:
                    return None
                heads.append(head)
            rankings[window] = _merged(heads)
        return rankings

    async def read(self, windows: Sequence[str], context: RequestContext, n: int) -> Answered[ByWindow]:
        """Return the head of each window's ranking, or of those of the wanted categories together.

        It is as long as it takes for `n` items that the context does not ban.
        """
        limit = n + len(context.banned)
        names = {window: names_of(window, context) for window in windows}
        asked = [name for some in names.values() for name in some]
        heads = dict(
            zip(asked, await asyncio.gather(*(self.ranking(name, limit) for name in asked)), strict=True)
        )
        rankings = {window: _merged([heads[name].value for name in some]) for window, some in names.items()}
        return Answered(rankings, ALL_WELL.union(*(head.failed for head in heads.values())))

    async def ranking(self, name: str, limit: int) -> Answered[list[RankedItem]]:
        """Return the head of one ranking."""
        head = self._near.at_hand(name, limit)
        if head is not None:
            return Answered(head)
        try:
            return Answered(await self._near.read(name, limit))
        except StreamrecError:
            return Answered(self._near.last(name, limit), self._part)

    async def aclose(self) -> None:
        """Wait for what is being read."""
        await self._near.aclose()


def names_of(ranking: str, context: RequestContext) -> list[str]:
    """Return the names of a ranking's parts within the wanted categories, or its own where all are wanted."""
    if not context.categories:
        return [ranking]
    return [f"{ranking}:{category}" for category in sorted(context.categories)]


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


def _merged(rankings: Sequence[list[RankedItem]]) -> list[RankedItem]:
    """Return all items by falling score, each once."""
    if len(rankings) == 1:
        return rankings[0]
    best: dict[str, RankedItem] = {}
    for ranking in rankings:
        best.update((item.item_id, item) for item in ranking)
    return sorted(best.values(), key=lambda item: -item.score)
