"""Reads what the sources need, side by side, and lets each propose."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from streamrec.domain.popularity.recency import N_LAST, distinct_newest_first
from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.sources.findings import Findings, Nearest
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import NEAREST, NEIGHBOURS, Source
from streamrec.domain.sources.table import BLEND, BLENDED, COLUMNS, SIMILAR_BY
from streamrec.ports import Neighbours, Rankings, VectorSearch
from streamrec.serving.guard import ALL_WELL, Answered, Guard
from streamrec.serving.sources.near_categories import Categories, CategoriesAtHand
from streamrec.serving.sources.reading import NearestReader, RankingReader

N_PROPOSED = 100
"""Candidates of one source: the item that is chosen next is among twice as many in 2 % more of the cases."""

Stage = Sequence[Source]
"""Sources that are asked together; the next stage only fills up what this one leaves open."""


class Look(NamedTuple):
    """One look for candidates.

    Attributes
    ----------
    stage
        Sources that were asked.
    n
        Candidates of each at most.
    """

    stage: Stage
    n: int
    findings: Findings
    candidates: Candidates[str]


class RetrievalOptions(NamedTuple):
    """Options of retrieval.

    Attributes
    ----------
    left_out
        Names of sources that are not asked: to see what each is worth.
    ranking_age_s
        Age from which a copy of a ranking is not used any more; 0: none is.
    categories
        Of candidates.
    """

    left_out: frozenset[str] = frozenset()
    ranking_age_s: float = 0.0
    categories: Categories = CategoriesAtHand()


_PLAIN = RetrievalOptions()


class Retrieval:
    """Collects candidates.

    Attributes
    ----------
    rankings
        Reader of what is popular.
    """

    def __init__(
        self,
        cache: Rankings,
        cache_guard: Guard,
        index: VectorSearch,
        index_guard: Guard,
        options: RetrievalOptions = _PLAIN,
    ) -> None:
        self._cache = cache
        self._cache_guard = cache_guard
        self._categories = options.categories
        self._nearest = NearestReader(index, index_guard)
        self.rankings = RankingReader(cache, cache_guard, options.ranking_age_s)
        blended = [source for source in BLENDED if source.name not in options.left_out]
        self._blended: Stage = blended
        self._personal: Stage = [source for source in blended if source.label.is_personal]
        self._popular: Stage = [source for source in blended if not source.label.is_personal]
        alone: dict[str, Stage] = {name: (source,) for name, source in SIMILAR_BY.items()}
        self._similar: Mapping[str, Stage] = alone | {BLEND.name: self._personal}

    def stages(self, context: RequestContext) -> Iterator[Stage]:
        """Yield whom to ask: for a known user all at once, for an unknown one first items similar to one."""
        if context.similarity is not None:
            yield self._similar[context.similarity]
            return
        if context.generation is not None or context.n_events:
            yield self._blended
            return
        if context.item_id is not None:
            yield self._personal
        yield self._popular

    async def look(self, context: RequestContext, stage: Stage, n: int) -> Look:
        """Return the union of up to `n` items of each source, and what they were found by."""
        findings = await self._read(context, stage, n)
        proposals = {source.name: source.propose(findings, n) for source in stage}
        candidates = self.candidates(findings, proposals)
        glance = findings.categories
        if glance is not None and glance.older:
            renewed = await self._categories.renew(glance.older)
            findings = _with_failures(findings, renewed.failed)
            if renewed.value:
                candidates = self.candidates(findings, proposals)
        return Look(stage, n, findings, candidates)

    def candidates(self, findings: Findings, proposals: Mapping[str, Proposal[str]]) -> Candidates[str]:
        """Return what was proposed, with its features."""
        similarity = findings.context.similarity
        alone = SIMILAR_BY.get(similarity) if similarity is not None else None
        if alone is not None:
            return Candidates((alone.name,), proposals, findings.asker)
        return Candidates(COLUMNS, proposals, findings.asker, findings.scene)

    async def vectors(self, item_ids: Sequence[str], generation: str | None) -> Answered[dict[str, bytes]]:
        """Return the vectors of up to 1,000 items, as far as a generation has them; None: the current one."""
        return await self._nearest.vectors(item_ids, generation)

    async def neighbours(self, item_ids: Sequence[str]) -> Answered[dict[str, Neighbours]]:
        """Return what is chosen together with each of these."""
        nothing: dict[str, Neighbours] = {}
        if not item_ids:
            return Answered(nothing)
        return await self._cache_guard.ask(lambda: self._cache.neighbours(item_ids), nothing)

    async def _read(self, context: RequestContext, stage: Stage, n: int) -> Findings:
        """Read at once what any source of a stage needs."""
        needs = dict.fromkeys(need for source in stage for need in source.needs)
        windows = [need.window for need in needs if need.window]
        # Without one of the items that are gone by, an explanation goes by one more.
        n_history = N_LAST + 1 if context.is_explained else N_LAST
        history = distinct_newest_first(context.recent, n_history) if NEIGHBOURS in needs else []
        reading = self._nearest.read(context, n) if NEAREST in needs else _not_needed()
        at_hand = self.rankings.at_hand(windows, context, n)
        if at_hand is not None and not history:
            nearest, failed = await reading  # no tasks, which cost more than most of what they do
            return Findings(context, nearest, {}, at_hand, self._categories.glance(), failed)
        near, neighbours, rankings = await asyncio.gather(
            reading, self.neighbours(history), self.rankings.read(windows, context, n)
        )
        failed = ALL_WELL.union(near.failed, neighbours.failed, rankings.failed)
        return Findings(
            context, near.value, neighbours.value, rankings.value, self._categories.glance(), failed
        )


def _with_failures(findings: Findings, failed: frozenset[str]) -> Findings:
    return msgspec.structs.replace(findings, failed=findings.failed | failed) if failed else findings


async def _not_needed() -> Answered[Nearest | None]:
    return Answered(None)
