"""Order of what is new: by what is known of items where it says so, else by when they appeared."""

import time
from collections.abc import Callable, Collection, Sequence

import msgspec
import numpy as np

from streamrec.domain.filters.facts import ATTRIBUTES
from streamrec.domain.popularity.ranked_item import NOTHING_RANKED, RankedNumbers
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.sources.feeds import LATEST
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import Need
from streamrec.serving.filters.followed_items import FollowedItems
from streamrec.serving.filters.item_filters import with_categories
from streamrec.serving.guard import Answered
from streamrec.serving.sources.reading import Reader

CREATED = (f"{ATTRIBUTES}created_at", f"{ATTRIBUTES}created")
"""Attributes that say when an item was made: Unix seconds, or a date."""

N_NEWEST = 1000


class CreatedReader:
    """Reads as another reader does; of the newest, what is known of items goes before when they appeared.

    Parameters
    ----------
    followed
        Has the times that are known of items.
    wall_clock
        Unix seconds: what is dated later is not there yet.
    """

    def __init__(
        self, reader: Reader, followed: FollowedItems, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._reader = reader
        self._followed = followed
        self._wall_clock = wall_clock

    async def read(self, context: RequestContext, needs: Collection[Need], n: int) -> Findings:
        """Return what is needed to propose up to `n` items of each source."""
        found = await self._reader.read(context, needs, n)
        if not any(need.window == LATEST for need in needs):
            return found
        ids, times = self._created(context)
        if not ids:
            return found
        appeared = found.rankings.get(LATEST, NOTHING_RANKED)
        return msgspec.structs.replace(
            found, rankings={**found.rankings, LATEST: _newest(appeared, ids, times, found.items)}
        )

    async def vectors(self, item_ids: Sequence[str], generation: str | None) -> Answered[dict[str, bytes]]:
        """Return the vectors of items, as far as a generation has them; None: the current one."""
        return await self._reader.vectors(item_ids, generation)

    async def knows(self, item_id: str) -> bool:
        """Return whether anybody has chosen this item, as far as the parts that answer know."""
        return await self._reader.knows(item_id)

    def _created(self, context: RequestContext) -> tuple[list[str], list[float]]:
        """Return the ids of the newest items, and when each was made, by the first attribute that says it."""
        conditions = with_categories(context.conditions, context.categories)
        created: dict[str, float] = {}
        for name in reversed(CREATED):
            newest = self._followed.table.newest(name, self._wall_clock(), N_NEWEST, conditions)
            created.update(zip(*newest, strict=True))
        return list(created), list(created.values())


def _newest(
    appeared: RankedNumbers, ids: Sequence[str], times: Sequence[float], items: ItemNumbers
) -> RankedNumbers:
    """Return items by falling time; of one that has two, that of `times`."""
    numbers = np.concatenate([items.of(ids), appeared.numbers])
    of_all = np.concatenate([np.array(times, np.float64), appeared.scores])
    firsts = np.sort(np.unique(numbers, return_index=True)[1])
    numbers, of_all = numbers[firsts], of_all[firsts]
    order = np.argsort(-of_all, kind="stable")
    return RankedNumbers(numbers[order], of_all[order])
