"""Reader of what the sources need; a part that does not answer is done without."""

from collections.abc import Collection, Sequence
from typing import Protocol

from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.similarity.neighbour import Near
from streamrec.domain.sources.findings import Findings, Nearest
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import NEAREST, NEIGHBOURS, Need
from streamrec.ports import Neighbours, Rankings, VectorSearch
from streamrec.serving.guard import ALL_WELL, Answered, Guard, both
from streamrec.serving.sources.reading_nearest import NearestReader
from streamrec.serving.sources.reading_rankings import RankingReader

MOST_NUMBERED = 1_000_000
"""Items that a process has numbers for, some 200 MB; those that it meets then get numbers anew."""


class Reader(Protocol):
    """Reader of what the sources need, from wherever it lies."""

    async def read(self, context: RequestContext, needs: Collection[Need], n: int) -> Findings:
        """Return what is needed to propose up to `n` items of each source."""

    async def vectors(self, item_ids: Sequence[str], generation: str | None) -> Answered[dict[str, bytes]]:
        """Return the vectors of up to 1,000 items, as far as a generation has them; None: the current one."""

    async def knows(self, item_id: str) -> bool:
        """Return whether anybody has chosen this item, as far as the parts that answer know."""


class ServedReader:
    """Reads what the trainer has published, side by side.

    Parameters
    ----------
    ranking_age_s
        Age from which a copy of a ranking is not used any more; 0: none is.

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
        ranking_age_s: float = 0.0,
    ) -> None:
        self._cache = cache
        self._cache_guard = cache_guard
        self._nearest = NearestReader(index, index_guard)
        self.rankings = RankingReader(cache, cache_guard, ranking_age_s)
        self._items = ItemNumbers()

    async def read(self, context: RequestContext, needs: Collection[Need], n: int) -> Findings:
        """Return what is needed to propose up to `n` items of each source."""
        if len(self._items) > MOST_NUMBERED:
            self._items = ItemNumbers()
        items = self._items
        windows = [need.window for need in needs if need.window]
        history = context.read_history() if NEIGHBOURS in needs else []
        nearest = self._nearest.read(context, n, items) if NEAREST in needs else _not_needed()
        rankings = self.rankings.read(windows, context, n, items)
        # The index comes last: it is mostly the only one to be waited for, and then nothing becomes a task.
        neighbours, (popular, near) = await both(self._neighbours(history), both(rankings, nearest))
        failed = ALL_WELL.union(near.failed, neighbours.failed, popular.failed)
        by_number: dict[str, Near] = {id_: of_item.near(items) for id_, of_item in neighbours.value.items()}
        return Findings(context, items, near.value, by_number, popular.value, failed=failed)

    async def vectors(self, item_ids: Sequence[str], generation: str | None) -> Answered[dict[str, bytes]]:
        """Return the vectors of up to 1,000 items, as far as a generation has them; None: the current one."""
        return await self._nearest.vectors(item_ids, generation)

    async def knows(self, item_id: str) -> bool:
        """Return whether anybody has chosen this item, as far as the parts that answer know."""
        neighbours = await self._neighbours([item_id])
        return bool(neighbours.value or (await self.vectors([item_id], None)).value)

    async def _neighbours(self, item_ids: Sequence[str]) -> Answered[dict[str, Neighbours]]:
        nothing: dict[str, Neighbours] = {}
        if not item_ids:
            return Answered(nothing)
        return await self._cache_guard.ask(lambda: self._cache.neighbours(item_ids), nothing)


async def _not_needed() -> Answered[Nearest | None]:
    return Answered(None)
