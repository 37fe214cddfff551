"""Journey of items that were shown to users: chosen, bought; by segment and by source."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from streamrec.domain.ranking.user_columns import SEGMENTS
from streamrec.domain.sources.table import LABELS
from streamrec.domain.status.tally import HOUR_S, hours_until
from streamrec.errors import StreamrecError
from streamrec.ports import HotCache
from streamrec.serving.exposures.names import BOUGHT, CHOSEN, OTHER_SEGMENT, SHOWN, step_name
from streamrec.serving.exposures.recent_lists import ListTraits, Popularity, RecentLists
from streamrec.serving.guard import Guard

_RANKING = "all"
_MOST_RANKED = 1_000


class JourneyRow(msgspec.Struct, frozen=True):
    """Items of one source that were shown to users of one segment, and what became of them.

    Attributes
    ----------
    segment
        `cold`: fewer than five events; `light`; `heavy`: fifty and more; `other`: of batches and lists made
        beforehand.
    shown
        Times that an item was in a list for a user.
    chosen
        Of these, followed within an hour by an event of positive weight by the same user about the item.
    bought
        The same, by a purchase.
    """

    segment: str
    source: str
    shown: int
    chosen: int
    bought: int


class JourneyAnswer(msgspec.Struct, frozen=True):
    """The last 24 hours of all servers, and the last 1,000 lists of the one that answers."""

    since: int
    journey: list[JourneyRow]
    lists: ListTraits


class JourneyReader:
    """Reads what every server handed over to the hot cache, and looks at this one's last lists.

    Parameters
    ----------
    clock
        Unix seconds.
    """

    def __init__(
        self, lists: RecentLists, cache: HotCache, guard: Guard, clock: Callable[[], float] = time.time
    ) -> None:
        self._lists, self._cache, self._guard, self._clock = lists, cache, guard, clock

    async def read(self) -> JourneyAnswer:
        """Return the counts, without segments and sources of which nothing was shown.

        Raises
        ------
        Unavailable
            When the cache does not answer.
        """
        hours = hours_until(self._clock())
        sources = list(LABELS)
        tallies = await asyncio.gather(*(self._tallies(source, hours) for source in sources))
        rows = [
            row
            for source, counts in zip(sources, tallies, strict=True)
            for row in _rows(source, ((name, n) for (_, name), n in counts.items()))
        ]
        numbers, popularity = await self._known()
        traits = self._lists.traits(int(numbers.get("n_items", 0)), popularity)
        return JourneyAnswer(hours[0] * HOUR_S, rows, traits)

    async def _tallies(self, source: str, hours: Sequence[int]) -> dict[tuple[int, str], int]:
        return await self._guard.call(lambda: self._cache.tallies(source, hours))

    async def _known(self) -> tuple[dict[str, float], Popularity | None]:
        """Return the trainer's numbers and what is popular; nothing where the cache does not tell."""
        try:
            numbers = await self._guard.call(self._cache.counters)
            ranked = await self._guard.call(lambda: self._cache.popular(_RANKING, _MOST_RANKED))
        except StreamrecError:
            return {}, None
        if not ranked:
            return numbers, None
        beyond = ranked[-1].score if len(ranked) == _MOST_RANKED else 0.0
        choices = {item.item_id: item.score for item in ranked}
        return numbers, Popularity(choices, beyond, numbers.get("n_users", 0.0))


def _rows(source: str, counts: Iterable[tuple[str, int]]) -> list[JourneyRow]:
    totals: Counter[str] = Counter()
    for name, n in counts:
        totals[name] += n
    found = []
    for segment in (*SEGMENTS, OTHER_SEGMENT):
        shown, chosen, bought = (totals[step_name(segment, step)] for step in (SHOWN, CHOSEN, BOUGHT))
        if shown or chosen:
            found.append(JourneyRow(segment, source, shown, chosen, bought))
    return found
