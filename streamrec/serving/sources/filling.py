"""From what the sources propose to the items that an answer may show."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.item import Item
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.recommendation import MAX_K, RecommendedItem, Selection
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import Source
from streamrec.domain.sources.table import LISTED, SourceName
from streamrec.ports import Metrics
from streamrec.serving.guard import ALL_WELL
from streamrec.serving.paging import Page
from streamrec.serving.shape import like_first
from streamrec.serving.sources.metadata import Metadata
from streamrec.serving.sources.retrieval import N_PROPOSED, Look, Retrieval, Stage

SPARE = 4
"""Candidates looked at beyond those wanted: a few hidden items cost no second look."""

FILTERED_FACTOR = 5
"""Candidates looked at per item wanted of some categories: one item in five fits, or we look further."""

_ANY_CATEGORY: frozenset[str] = frozenset()


class Ranker(Protocol):
    """Order of candidates: by the learned blend, or one source alone."""

    def probabilities(self, candidates: Candidates) -> NDArray[np.floating]:
        """Return (N,) scores as they are shown; higher is better."""

    def main_sources(self, candidates: Candidates, positions: Sequence[int]) -> list[str]:
        """Return, of (M,) candidates, the source that speaks for each most."""


class Filling:
    """Takes for one context what may be on one page, best first, until there is enough.

    Attributes
    ----------
    looks
        All looks for candidates, as they were taken.
    scores
        (N,) of the candidates of each look.
    """

    def __init__(
        self, retrieval: Retrieval, items: Metadata, ranker: Ranker, context: RequestContext, page: Page
    ) -> None:
        self._retrieval = retrieval
        self._items = items
        self._ranker = ranker
        self._context = context
        self._page = page
        self._failed_reads = ALL_WELL
        self.looks: list[Look] = []
        self.scores: list[NDArray[np.floating]] = []
        self._first_order: list[int] | None = None

    @property
    def generation(self) -> str | None:
        """Of the index that answered last; None when none did."""
        for look in reversed(self.looks):
            if look.findings.nearest is not None and look.findings.nearest.generation is not None:
                return look.findings.nearest.generation
        return None

    @property
    def failed(self) -> frozenset[str]:
        """Names of the parts that did not answer."""
        return self._failed_reads.union(*(look.findings.failed for look in self.looks))

    def ranked(self) -> list[str]:
        """Return the ids of all candidates of the first look, best first."""
        if self._first_order is None:
            return []
        first = self.looks[0]
        return first.findings.items.ids_at(first.candidates.numbers[self._first_order].tolist())

    async def pool(self, n: int) -> list[RecommendedItem]:
        """Return `n` items where so many exist, best first."""
        selection = Selection(n, self._context.banned, self._context.conditions)
        for stage in self._retrieval.stages(self._context):
            await self._fill(selection, stage)
            if not selection.n_missing:
                break
        if selection.n_missing:
            await self._offer_listed(selection)
        return selection.items

    async def in_order(self, pool: list[RecommendedItem]) -> list[RecommendedItem]:
        """Return a pool with those that are similar to the item looked at, if any, in the order asked for."""
        item_id, order = self._context.item_id, self._page.like_order
        if item_id is None or not self._context.is_by_item or not order.changes_lists:
            return pool
        looked_at = (await self._read([item_id])).get(item_id)
        return pool if looked_at is None else like_first(pool, looked_at, order)

    async def _fill(self, selection: Selection, stage: Stage) -> None:
        """Offer the stage's best, and once more of them when too few of those fit."""
        context = self._context
        n_passed_over = MAX_K if context.only or context.conditions else self._page.n_shown
        for n in _widths(selection.n_missing, n_passed_over, is_filtered=bool(context.categories)):
            look = await self._retrieval.look(context, stage, n)
            self.looks.append(look)
            await self._offer(selection, look)
            if not selection.n_missing or len(look.candidates.numbers) < n:
                return

    async def _offer(self, selection: Selection, look: Look) -> None:
        """Offer a look's candidates, best first; no more metadata is read than it takes."""
        context, ranker, candidates = self._context, self._ranker, look.candidates
        items = look.findings.items
        probabilities = ranker.probabilities(candidates)
        self.scores.append(probabilities)
        order = self._page.order(lambda rows: items.ids_at(candidates.numbers[rows].tolist()), probabilities)
        self._first_order = order if self._first_order is None else self._first_order
        stage = {source.name: source for source in look.stage}
        is_known = look.findings.fulfilling is not None
        is_filtered = bool(context.categories) or (bool(context.conditions) and not is_known)
        start = 0
        while selection.n_missing and start < len(order):
            n = selection.n_missing * (FILTERED_FACTOR if is_filtered else 1) + SPARE
            positions = order[start : start + n]
            start += n
            ids = items.ids_at(candidates.numbers[positions].tolist())
            metadata = await self._read(ids)
            scores = probabilities[positions].tolist()
            sources = ranker.main_sources(candidates, positions)
            is_trusted = is_known and bool(self._failed_reads)
            of_source = {name: self._shown_as(stage[name]) for name in set(sources)}
            for name, item_id, score in zip(sources, ids, scores, strict=True):
                (label, wanted), item = of_source[name], metadata.get(item_id)
                selection.offer_one(item_id, score, label, item, wanted, is_trusted=is_trusted)

    def _shown_as(self, source: Source) -> tuple[SourceName, frozenset[str]]:
        """Return what an answer calls a source, and the categories of which its items have to be."""
        context = self._context
        wanted = _ANY_CATEGORY if source.is_within_categories else context.categories
        return source.label_for(context).name, wanted

    async def _offer_listed(self, selection: Selection) -> None:
        """Offer those of the items asked for, by name or by conditions, that no source proposed."""
        context, listed = self._context, list(self._page.only_ids)
        if not listed:
            taken = {item.item_id for item in selection.items}
            listed, failed = await self._retrieval.others(context, taken)
            self._failed_reads |= failed
        if not listed:
            return
        metadata = await self._read(listed)
        positions = self._page.order(lambda rows: [listed[row] for row in rows], np.zeros(len(listed)))
        selection.offer(
            [(listed[position], 0.0) for position in positions], LISTED.name, metadata, context.categories
        )

    async def _read(self, item_ids: Sequence[str]) -> dict[str, Item]:
        metadata, failed = await self._items.read(item_ids)
        self._failed_reads |= failed
        return metadata


def _widths(n_missing: int, n_passed_over: int, *, is_filtered: bool) -> Iterator[int]:
    """Yield how many candidates to ask of each source: first few, then as many as the index gives."""
    few = n_missing * (FILTERED_FACTOR if is_filtered else 1) + SPARE + n_passed_over
    few = max(N_PROPOSED, few)
    if few < MAX_K:
        yield few
    yield MAX_K


def count_shown(metrics: Metrics, sources: Sequence[SourceName], failed: frozenset[str]) -> None:
    """Count what an answer shows, by source, and whether a part failed meanwhile."""
    if failed:
        metrics.count("recommender.degraded")
    for name, n in Counter(sources).items():
        metrics.count(f"recommender.items.{name}", n)
