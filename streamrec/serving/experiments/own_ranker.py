"""Blends of variants: a ranker of their own, beside what the learned blend knows of the stream."""

from collections.abc import Collection

from streamrec.domain.events.stream_time import StreamTime
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.sources.table import first_blend
from streamrec.serving.recommender import RankerSource


class OwnRanker:
    """Blend in which every source weighs the same; time and cohorts are those of the learned one."""

    def __init__(self, learned: RankerSource) -> None:
        self._learned = learned
        self._ranker = first_blend()

    async def ranker(self) -> BlendRanker:
        """Return the ranker, once what the learned one brings was read."""
        await self._learned.ranker()
        return self._ranker

    def time(self) -> StreamTime:
        """Return the time of the stream."""
        return self._learned.time()

    def cohorts(self) -> Collection[int]:
        """Return the tokens of cohorts that have a ranking."""
        return self._learned.cohorts()
