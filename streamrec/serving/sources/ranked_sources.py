"""Sources of candidates: each proposes a ranking, or several from one look."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import again, distinct_newest_first, visited_with
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.ranking.source_names import AGAIN, COVISITATION, FOLLOWERS, GMF, SAME_DAY
from streamrec.ports import (
    ById,
    ByVector,
    IndexAnswer,
    ItemQuery,
    Neighbours,
    RankedItem,
    Rankings,
    VectorSearch,
)
from streamrec.serving.guard import Guard
from streamrec.serving.sources.request_context import RequestContext

N_PROPOSED = 100
"""Candidates of one source: the item that is chosen next is among twice as many in 2 % more of the cases."""

N_HISTORY = 20
"""Newest distinct items of a user whose neighbours are candidates."""


class CandidateSource(Protocol):
    """One way, or several that share a look, to find items for somebody."""

    async def propose(self, context: RequestContext, n: int) -> dict[str, Proposal[str]]:
        """Return by source name up to `n` items each, best first; fewer than `n`: there are no more."""


class VectorSource:
    """Items nearest to the user's own vector, or, for an unknown user, to the item that is looked at."""

    def __init__(self, index: VectorSearch, guard: Guard) -> None:
        self._index = index
        self._guard = guard

    async def propose(self, context: RequestContext, n: int) -> dict[str, Proposal[str]]:
        """Return the index's best; nothing when it has neither the user's generation nor the item."""
        query = _query_of(context, n)
        if query is None:
            return {}
        if context.only:
            return await self._rank_only(context)
        nothing = IndexAnswer("", is_missing=True)
        answer = await context.attempts.of(self._guard, lambda: self._index.search(query), nothing)
        if answer.is_missing:
            return {}
        context.served_generation = answer.generation
        return {GMF: Proposal(answer.ids, answer.scores, is_logit=True)}

    async def _rank_only(self, context: RequestContext) -> dict[str, Proposal[str]]:
        """Rank the wanted items by their vectors: an item far down in the index's ranking counts as well."""
        nothing: dict[str, bytes] = {}

        async def vectors_of(item_ids: Sequence[str]) -> dict[str, bytes]:
            return await context.attempts.of(
                self._guard, lambda: self._index.vectors(item_ids, context.generation), nothing
            )

        query = context.vector
        if query is None and context.item_id is not None:
            query = (await vectors_of([context.item_id])).get(context.item_id)
        if query is None:
            return {}
        found = await vectors_of([item_id for item_id in context.only if context.wants(item_id)])
        # Between the two looks another generation may have taken over, of another dimension.
        found = {item_id: vector for item_id, vector in found.items() if len(vector) == len(query)}
        if not found:
            return {}
        context.served_generation = context.generation
        ranked = ranked_by(query, found, with_bias=context.vector is not None)
        return {GMF: proposal_of(ranked, is_logit=True)}


def _query_of(context: RequestContext, n: int) -> ItemQuery | None:
    """Return what to search for; None when there is nothing to go by."""
    exclude = list(context.banned)
    # A known user's own vector says more than what they look at.
    if context.vector is not None:
        return ByVector(context.vector, n, exclude, context.generation)
    return None if context.item_id is None else ById(context.item_id, n, exclude, context.generation)


class NeighbourSource:
    """Items that others chose together with, and after, what this user chose lately."""

    def __init__(self, cache: Rankings, guard: Guard) -> None:
        self._cache = cache
        self._guard = guard

    async def propose(self, context: RequestContext, n: int) -> dict[str, Proposal[str]]:
        """Return what the neighbours of the last items add up to."""
        history = distinct_newest_first(context.recent, N_HISTORY)
        if not history:
            return {}
        nothing: dict[str, Neighbours] = {}
        found = await context.attempts.of(self._guard, lambda: self._cache.neighbours(history), nothing)
        return visited(context, found, n)


class AgainSource:
    """Items that the user chose before, lately and often: for those who may be offered it again."""

    async def propose(self, context: RequestContext, n: int) -> dict[str, Proposal[str]]:
        """Return the user's own items; nothing when only new ones are wanted."""
        return chosen_again(context, n)


class SameDaySource:
    """Items that many chose on the same day as the item that is looked at."""

    def __init__(self, cache: Rankings, guard: Guard) -> None:
        self._cache = cache
        self._guard = guard

    async def propose(self, context: RequestContext, n: int) -> dict[str, Proposal[str]]:
        """Return them by their counts."""
        item_id = context.item_id
        if item_id is None:
            return {}
        nothing: dict[str, Neighbours] = {}
        found = await context.attempts.of(self._guard, lambda: self._cache.neighbours([item_id]), nothing)
        near = found.get(item_id, Neighbours())
        counts = dict(zip(near.same_day_ids, near.same_day_counts, strict=True))
        return {SAME_DAY: _best(_wanted(context, counts), n)}


def visited(
    context: RequestContext, neighbours: Mapping[str, Neighbours], n: int
) -> dict[str, Proposal[str]]:
    """Return what the neighbours of the last items add up to."""
    ids, together, after = visited_with(distinct_newest_first(context.recent, N_HISTORY), neighbours)
    is_wanted = context.wanted(ids)
    scores_of = {COVISITATION: together, FOLLOWERS: after}
    return {name: _best_of(ids, np.where(is_wanted, scores, 0.0), n) for name, scores in scores_of.items()}


def chosen_again(context: RequestContext, n: int) -> dict[str, Proposal[str]]:
    """Return the user's own items; nothing when only new ones are wanted."""
    return {} if context.is_new_only else {AGAIN: _best(_wanted(context, again(context.recent)), n)}


def ranked_by(query: bytes, vectors: Mapping[str, bytes], *, with_bias: bool) -> list[RankedItem]:
    """Return items by the inner product of their (D + 1,) float32 vectors with a query's, best first.

    >>> one, other, query = (np.array(row, "<f4").tobytes() for row in ([1, 0, 0], [0, 2, 9], [1, 1, 1]))
    >>> ranked_by(query, {"one": one, "other": other}, with_bias=False)
    [RankedItem(item_id='other', score=2.0), RankedItem(item_id='one', score=1.0)]
    """
    table = np.frombuffer(b"".join(vectors.values()), "<f4").reshape(len(vectors), -1)
    towards = np.frombuffer(query, "<f4")
    scores = table @ towards if with_bias else table[:, :-1] @ towards[:-1]
    ranked = map(RankedItem, vectors, scores.tolist())
    return sorted(ranked, key=lambda item: -item.score)


def _wanted(context: RequestContext, scores: Mapping[str, float]) -> dict[str, float]:
    return {item_id: score for item_id, score in scores.items() if context.wants(item_id)}


def _best_of(ids: Sequence[str], scores: NDArray[np.float64], n: int) -> Proposal[str]:
    """Return the `n` best of the items with a score."""
    best = np.argsort(-scores, kind="stable")[:n]
    best = best[scores[best] > 0]
    return Proposal([ids[position] for position in best.tolist()], scores[best].tolist())


def _best(scores: Mapping[str, float], n: int) -> Proposal[str]:
    ranked = sorted(scores.items(), key=lambda item: -item[1])[:n]
    return Proposal([id_ for id_, _ in ranked], [score for _, score in ranked])


def proposal_of(items: Sequence[RankedItem], *, is_logit: bool = False) -> Proposal[str]:
    """Return a ranking as a source proposes it."""
    return Proposal([item[0] for item in items], [item[1] for item in items], is_logit)
