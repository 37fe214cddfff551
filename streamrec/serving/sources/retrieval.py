"""Reads what the sources need, and lets each propose."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.sources.feeds import FEED_SOURCES
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import Need, Source
from streamrec.domain.sources.table import BLEND, BLENDED, COLUMNS, EXTRA, SIMILAR_BY
from streamrec.serving.filters.item_filters import Filters, NoFilters
from streamrec.serving.guard import Answered
from streamrec.serving.sources.near_categories import Categories
from streamrec.serving.sources.reading import Reader
from streamrec.serving.sources.reading_nearest import nearest_first

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
    candidates: Candidates


class Retrieval:
    """Collects candidates.

    Parameters
    ----------
    categories
        Of candidates.
    left_out
        Names of sources that are not asked: to see what each is worth.
    filters
        Find what fulfils conditions.
    """

    def __init__(
        self,
        reader: Reader,
        categories: Categories,
        left_out: frozenset[str] = frozenset(),
        filters: Filters | None = None,
    ) -> None:
        self._reader = reader
        self._filters: Filters = filters or NoFilters()
        self._categories = categories
        blended = [source for source in BLENDED if source.name not in left_out]
        self._blended: Stage = blended
        self._personal: Stage = [source for source in blended if source.label.is_by_items]
        self._popular: Stage = [source for source in blended if not source.label.is_by_items]
        alone: dict[str, Stage] = {name: (source,) for name, source in SIMILAR_BY.items()}
        self._similar: Mapping[str, Stage] = alone | {BLEND.name: self._personal}

    def stages(self, context: RequestContext) -> Iterator[Stage]:
        """Yield whom to ask: for a known user all at once, for an unknown one first items similar to one."""
        if context.feed:
            for name in context.feed:
                yield (FEED_SOURCES[name],)
            return
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
        needs = dict.fromkeys(need for source in stage for need in source.needs)
        if context.conditions:
            read = await self._read_fulfilling(context, needs.keys(), n)
        else:
            read = await self._reader.read(context, needs.keys(), n)
        glance = self._categories.glance()
        findings = msgspec.structs.replace(read, categories=glance)
        proposals = {source.name: source.propose(findings, n) for source in stage}
        candidates = self.candidates(findings, proposals)
        if glance is not None and glance.older:
            renewed = await self._categories.renew(glance.older)
            findings = _with_failures(findings, renewed.failed)
            if renewed.value:
                candidates = self.candidates(findings, proposals)
        return Look(stage, n, findings, candidates)

    async def _read_fulfilling(self, context: RequestContext, needs: Collection[Need], n: int) -> Findings:
        """Return what is needed to propose items that fulfil the conditions."""
        narrowed = await self._filters.narrowed(context)
        if narrowed is None:
            # What is offered is looked at; what stands behind all that is proposed is not found.
            return _with_failures(await self._reader.read(context, needs, n), frozenset({"store"}))
        read = await self._reader.read(narrowed, needs, n)
        fulfilling = self._filters.numbers(context.conditions, read.items)
        return msgspec.structs.replace(read, fulfilling=fulfilling)

    async def others(self, context: RequestContext, taken: Collection[str]) -> Answered[list[str]]:
        """Return further items that the context wants, though nothing proposes them, best first.

        The user's vector says which are best; of who has none, the popularity that the model has learned.
        Items without a vector come last.
        """
        ids = self._filters.others(context, taken)
        if not ids:
            return Answered(ids)
        found, failed = await self.vectors(ids, context.generation)
        return Answered(nearest_first(ids, found, context.vector), failed)

    def warnings(self, context: RequestContext) -> list[str]:
        """Return what fits no item, of what is wanted, and what an answer may lack."""
        if not context.conditions and not context.categories:
            return []
        return self._filters.warnings(context.conditions, context.categories)

    def candidates(self, findings: Findings, proposals: Mapping[str, Proposal]) -> Candidates:
        """Return what was proposed, with its features."""
        context = findings.context
        if context.feed or context.similarity in SIMILAR_BY:  # one source, and no blend that weighs it
            return Candidates(tuple(proposals), proposals, findings.asker, findings.items)
        in_context = findings.in_context
        return Candidates(COLUMNS, proposals, findings.asker, findings.items, in_context, EXTRA)

    async def vectors(self, item_ids: Sequence[str], generation: str | None) -> Answered[dict[str, bytes]]:
        """Return the vectors of up to 1,000 items, as far as a generation has them; None: the current one."""
        return await self._reader.vectors(item_ids, generation)

    async def knows(self, item_id: str) -> bool:
        """Return whether anybody has chosen this item, as far as the parts that answer know."""
        return await self._reader.knows(item_id)


def _with_failures(findings: Findings, failed: frozenset[str]) -> Findings:
    return msgspec.structs.replace(findings, failed=findings.failed | failed) if failed else findings
