"""New items get a few positions of the lists: of what is never shown nothing can be learned."""

import asyncio
import random
from collections.abc import Callable, Sequence

from streamrec.domain.items.exploration import n_new_slots, with_new_items
from streamrec.domain.ranking.recommendation import RecommendedItem, Selection
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.table import NEW
from streamrec.serving.guard import ALL_WELL, Answered
from streamrec.serving.paging import Page
from streamrec.serving.sources.metadata import Metadata
from streamrec.serving.sources.reading_rankings import RankingReader, names_of

RANKING = "new"
"""Ranking that the trainer publishes."""

N_NEW = 200
"""New items among which chance decides."""


class Explorer:
    """Puts new items into lists.

    Parameters
    ----------
    share
        Of the positions, 0 to 1, in expectation; 0 leaves every list as it is.
    rng
        Decides which lists, positions and items.
    """

    def __init__(self, rankings: RankingReader, items: Metadata, share: float, rng: random.Random) -> None:
        self._rankings = rankings
        self._items = items
        self._share = share
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
        n_slots = n_new_slots(self._share, len(listed), self._rng)
        if not n_slots or page.is_choosy:
            return Answered(listed)
        new_items, failed = await self._new_items(context)
        new = page.shown.without([id_ for id_ in new_items if context.wants(id_)])
        ids = [item.item_id for item in listed]
        in_list = set(ids)
        ranked = [*ids, *(id_ for id_ in candidates() if id_ not in in_list)]
        wanted = with_new_items(ranked, new=new, banned=(), n_slots=n_slots, k=len(listed), rng=self._rng)
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

    async def _new_items(self, context: RequestContext) -> Answered[list[str]]:
        names = names_of(RANKING, context)
        rankings = await asyncio.gather(*(self._rankings.ranking(name, N_NEW) for name in names))
        ids = dict.fromkeys(item.item_id for ranking in rankings for item in ranking.value.items[:N_NEW])
        return Answered(list(ids), ALL_WELL.union(*(ranking.failed for ranking in rankings)))
