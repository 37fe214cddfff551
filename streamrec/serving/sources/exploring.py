"""New items get a few positions of the lists: of what is never shown nothing can be learned."""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from streamrec.domain.items.exploration import ExplorationBy, n_new_slots, with_new_items
from streamrec.domain.items.propensities import Draw
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


class Explored(NamedTuple):
    """A list, and what chance did to it; None: nothing, or what it could have done is not known."""

    items: list[RecommendedItem]
    draw: Draw | None = None


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
        self._n_choosable: int | None = None

    async def explored(
        self,
        items: Sequence[RecommendedItem],
        candidates: Callable[[], Sequence[str]],
        context: RequestContext,
        page: Page,
    ) -> Answered[Explored]:
        """Return the list with new items in some of its lower positions.

        Parameters
        ----------
        candidates
            Returns all that was ranked for this context, best first: new items among it fit the user.
        """
        listed = list(items)
        # Chance first: most lists stay as they are, and need no look at what is new.
        n_slots = n_new_slots(self._how.share, len(listed), self._rng)
        if page.is_choosy or not self._how.share:
            return Answered(Explored(listed))
        if not n_slots:
            return Answered(Explored(listed, self._draw(len(listed), ())))
        by, new_items, failed = await self._new_items(context)
        unseen = set(page.shown.without([item.item_id for item in new_items if context.wants(item.item_id)]))
        new = [item for item in new_items if item.item_id in unseen]
        ids = [item.item_id for item in listed]
        in_list = set(ids)
        ranked = [*ids, *(id_ for id_ in (candidates() if new else ()) if id_ not in in_list)]
        wanted = with_new_items(ranked, new, n_slots=n_slots, k=len(listed), rng=self._rng, by=by)
        self._n_choosable = sum(item.item_id not in in_list for item in new)
        unlisted = [id_ for id_ in wanted if id_ not in in_list]
        if not unlisted:
            return Answered(Explored(listed, self._draw(len(listed), ())), failed)
        metadata, failed_later = await self._items.read(unlisted)
        chosen = Selection(len(unlisted), context.banned, context.conditions)
        chosen.offer([(id_, 0.0) for id_ in unlisted], NEW.name, metadata, context.categories)
        by_id = {item.item_id: item for item in (*listed, *chosen.items)}
        # What turned out to be hidden leaves its position to the list's own next one.
        explored = [by_id[id_] for id_ in wanted if id_ in by_id]
        kept = {item.item_id for item in explored}
        explored += [item for item in listed if item.item_id not in kept]
        explored = explored[: len(listed)]
        positions = tuple(n for n, item in enumerate(explored) if item.item_id not in in_list)
        # Where one of them turned out to be hidden, the list is not what was drawn.
        draw = self._draw(len(listed), positions) if len(positions) == len(unlisted) else None
        return Answered(Explored(explored, draw), failed | failed_later)

    def _draw(self, k: int, positions: tuple[int, ...]) -> Draw | None:
        """Return the facts of a list; most lists are made without a look at how many items are new.

        That number is the last list's: from a handful on it makes no difference.
        """
        if self._n_choosable is None:
            return None
        return Draw(self._how.share, k, min(self._n_choosable, k), positions)

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
        rankings = await self._rankings.rankings(names_of(name, context), N_NEW)
        heads = [item for ranking in rankings.values() for item in ranking.value.items[:N_NEW]]
        # The first place of an item that stands in several of them.
        first = {item.item_id: item for item in reversed(heads)}
        return Answered(
            [item for item in heads if first[item.item_id] is item],
            ALL_WELL.union(*(ranking.failed for ranking in rankings.values())),
        )
