"""New items get a few positions of the lists: of what is never shown nothing can be learned."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from streamrec.domain.items.exploration import ExplorationBy, n_new_slots, with_new_items
from streamrec.domain.ranking.recommendation import RecommendedItem, Selection
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.table import NEW
from streamrec.ports import RankedItem
from streamrec.serving.guard import ALL_WELL, Answered
from streamrec.serving.paging import Page
from streamrec.serving.sources.metadata import Metadata
from streamrec.serving.sources.reading_rankings import RankingReader, names_of

RANKINGS: dict[ExplorationBy, str] = {"chance": "new", "uncertainty": "promising"}
"""Rankings that the trainer publishes."""

N_NEW = 200
"""New items among which one is chosen."""


class Exploration(NamedTuple):
    """Settings of how new items come into lists.

    Attributes
    ----------
    share
        Of the positions, 0 to 1, in expectation; 0 leaves every list as it is.
    by
        What chooses them.
    """

    share: float
    by: ExplorationBy = "uncertainty"


class Explorer:
    """Puts new items into lists.

    Parameters
    ----------
    rng
        Decides which lists, positions and items.
    """

    def __init__(
        self, rankings: RankingReader, items: Metadata, how: Exploration, rng: random.Random
    ) -> None:
        self._rankings = rankings
        self._items = items
        self._how = how
        self._rng = rng

    async def explored(
        self,
        items: Sequence[RecommendedItem],
        candidates: Callable[[], Sequence[str]],
        context: RequestContext,
        page: Page,
    ) -> Answered[list[RecommendedItem]]:
        """Return the list with new items in some of its lower positions.

        Parameters
        ----------
        candidates
            Returns all that was ranked for this context, best first: new items among it fit the user.
        """
        listed = list(items)
        # Chance first: most lists stay as they are, and need no look at what is new.
        n_slots = n_new_slots(self._how.share, len(listed), self._rng)
        if not n_slots or page.is_choosy:
            return Answered(listed)
        by, new_items, failed = await self._new_items(context)
        unseen = set(page.shown.without([item.item_id for item in new_items if context.wants(item.item_id)]))
        new = [item for item in new_items if item.item_id in unseen]
        ids = [item.item_id for item in listed]
        in_list = set(ids)
        ranked = [*ids, *(id_ for id_ in candidates() if id_ not in in_list)]
        wanted = with_new_items(ranked, new, n_slots=n_slots, k=len(listed), rng=self._rng, by=by)
        unlisted = [id_ for id_ in wanted if id_ not in in_list]
        if not unlisted:
            return Answered(listed, failed)
        metadata, failed_later = await self._items.read(unlisted)
        chosen = Selection(len(unlisted), context.banned)
        chosen.offer([(id_, 0.0) for id_ in unlisted], NEW.name, metadata, context.categories)
        by_id = {item.item_id: item for item in (*listed, *chosen.items)}
        # What turned out to be hidden leaves its position to the list's own next one.
        explored = [by_id[id_] for id_ in wanted if id_ in by_id]
        kept = {item.item_id for item in explored}
        explored += [item for item in listed if item.item_id not in kept]
        return Answered(explored[: len(listed)], failed | failed_later)

    async def _new_items(
        self, context: RequestContext
    ) -> tuple[ExplorationBy, list[RankedItem], frozenset[str]]:
        """Return new items, by what they are to be chosen, and the parts that failed."""
        new_items, failed = await self._ranked(RANKINGS[self._how.by], context)
        if new_items or failed or self._how.by == "chance":
            return self._how.by, new_items, failed
        # A trainer from before publishes no other ranking.
        return "chance", *await self._ranked(RANKINGS["chance"], context)

    async def _ranked(self, name: str, context: RequestContext) -> Answered[list[RankedItem]]:
        rankings = await asyncio.gather(
            *(self._rankings.ranking(part, N_NEW) for part in names_of(name, context))
        )
        heads = [item for ranking in rankings for item in ranking.value.items[:N_NEW]]
        # The first place of an item that stands in several of them.
        first = {item.item_id: item for item in reversed(heads)}
        return Answered(
            [item for item in heads if first[item.item_id] is item],
            ALL_WELL.union(*(ranking.failed for ranking in rankings)),
        )
