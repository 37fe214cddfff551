"""All sources that know something of who asks, side by side."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.ranking.source_names import COVISITATION, GMF, SAME_DAY, SOURCES, WINDOWS
from streamrec.domain.similarity.kinds import SimilarityKind
from streamrec.ports import Neighbours, Rankings, VectorSearch
from streamrec.serving.guard import Guard
from streamrec.serving.sources.popular import PopularSource
from streamrec.serving.sources.ranked_sources import (
    AgainSource,
    CandidateSource,
    NeighbourSource,
    SameDaySource,
    VectorSource,
)
from streamrec.serving.sources.request_context import RequestContext

Stage = Sequence[CandidateSource]
"""Sources that are asked together; the next stage only fills up what this one leaves open."""


SOURCE_OF: Mapping[SimilarityKind, str] = {"vector": GMF, "covisitation": COVISITATION, "same_day": SAME_DAY}
"""Of the kinds of similarity that one source alone knows."""


class Retrieval:
    """Collects candidates.

    Parameters
    ----------
    left_out
        Names of sources that are not asked: to see what each is worth.
    """

    def __init__(
        self,
        cache: Rankings,
        cache_guard: Guard,
        index: VectorSearch,
        index_guard: Guard,
        left_out: frozenset[str] = frozenset(),
    ) -> None:
        self._cache = cache
        self._cache_guard = cache_guard
        self._index = index
        self._index_guard = index_guard
        self._left_out = left_out
        vectors, neighbours = VectorSource(index, index_guard), NeighbourSource(cache, cache_guard)
        self._personal: Stage = (vectors, neighbours, AgainSource())
        self._similar: Mapping[SimilarityKind, Stage] = {
            "vector": (vectors,),
            "covisitation": (neighbours,),
            "same_day": (SameDaySource(cache, cache_guard),),
            "blend": self._personal,
        }
        self._popular: Stage = tuple(PopularSource(window, cache, cache_guard) for window in WINDOWS)

    def stages(self, context: RequestContext) -> Iterator[Stage]:
        """Yield whom to ask: for a known user all at once, for an unknown one first items similar to one."""
        if context.similarity is not None:
            yield self._similar[context.similarity]
            return
        if context.generation is not None or context.n_events:
            yield (*self._personal, *self._popular)
            return
        if context.item_id is not None:
            yield self._personal
        yield self._popular

    async def candidates(self, context: RequestContext, stage: Stage, n: int) -> Candidates[str]:
        """Return the union of up to `n` items of each source."""
        proposals = await self.proposals(context, stage, n)
        alone = SOURCE_OF.get(context.similarity) if context.similarity is not None else None
        return Candidates(
            SOURCES if alone is None else (alone,),
            proposals,
            context.n_events,
            is_new_only=context.is_new_only,
        )

    async def proposals(self, context: RequestContext, stage: Stage, n: int) -> dict[str, Proposal[str]]:
        """Return by source name up to `n` items each."""
        proposed = await asyncio.gather(*(source.propose(context, n) for source in stage))
        proposals: dict[str, Proposal[str]] = {}
        for of_source in proposed:
            proposals |= of_source
        for name in self._left_out:
            proposals.pop(name, None)
        return proposals

    async def vectors(self, item_ids: Sequence[str], context: RequestContext) -> dict[str, bytes]:
        """Return the vectors of up to 1,000 items, as far as the index that answered has them."""
        nothing: dict[str, bytes] = {}
        return await context.attempts.of(
            self._index_guard, lambda: self._index.vectors(item_ids, context.served_generation), nothing
        )

    async def neighbours(self, item_ids: Sequence[str], context: RequestContext) -> dict[str, Neighbours]:
        """Return what is chosen together with each of these."""
        nothing: dict[str, Neighbours] = {}
        return await context.attempts.of(self._cache_guard, lambda: self._cache.neighbours(item_ids), nothing)
