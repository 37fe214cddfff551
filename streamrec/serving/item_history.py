"""Reads what an item's value did lately."""

from typing import NamedTuple

from streamrec.domain.bars.bar import Bar
from streamrec.domain.bars.series import series
from streamrec.ports import HotCache
from streamrec.serving.guard import Guard


class HistoryRequest(NamedTuple):
    """Bars that are wanted: of the last `minutes`, each `bar_minutes` long.

    `is_carried`: a bar without an event repeats the close before it, instead of being left out.
    """

    item_id: str
    minutes: int
    bar_minutes: int
    is_carried: bool


class KnownHistory(NamedTuple):
    """Bars, oldest first, and the newest event time of the stream that they are counted back from."""

    now: float
    bars: list[Bar]


class HistoryReader:
    """Reads histories from the hot cache, where alone they are served from."""

    def __init__(self, cache: HotCache, guard: Guard) -> None:
        self._cache = cache
        self._guard = guard

    async def read(self, request: HistoryRequest) -> KnownHistory | None:
        """Return the bars; None for an item without a history.

        Raises
        ------
        Unavailable
            When the cache does not answer: there is nothing to fall back to.
        """
        held = await self._guard.call(lambda: self._cache.history(request.item_id))
        if held is None:
            return None
        bars = series(held, request.minutes, request.bar_minutes, is_carried=request.is_carried)
        return KnownHistory(held.now, bars)
