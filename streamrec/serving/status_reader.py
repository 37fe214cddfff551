"""Reads how the trainer is, and how it was within the last day."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from streamrec.domain.status.point import RINGS, StatusPoint
from streamrec.domain.status.report import RejectedReason, TrainerReport
from streamrec.errors import StreamrecError
from streamrec.ports import HotCache
from streamrec.serving.guard import Guard


class TrainerStatus(msgspec.Struct, frozen=True):
    """State of the active trainer, as it published it last.

    Attributes
    ----------
    age_s
        Seconds since then: a trainer that learns publishes about once a second.
    numbers
        Counters and gauges by name, without the process that sends them as metrics.
    """

    generation: str
    started_at: float
    published_at: float
    age_s: float
    numbers: dict[str, float]
    rejected: list[RejectedReason]


class SeriesAnswer(msgspec.Struct, frozen=True):
    """Figures of the trainer over time, by column.

    `at` says when each point begins, in Unix seconds, the oldest first; a figure that was not known then is
    null. Counts are of the interval, everything else is its mean.
    """

    interval_s: int
    now: float
    at: list[int]
    series: dict[str, list[float | None]]


class StatusReader:
    """Reads from the hot cache, where the trainer publishes of itself.

    Parameters
    ----------
    clock
        Unix seconds.
    """

    def __init__(self, cache: HotCache, guard: Guard, clock: Callable[[], float] = time.time) -> None:
        self._cache, self._guard, self.clock = cache, guard, clock

    async def trainer(self) -> TrainerStatus | None:
        """Return the trainer's status; None where there is none, or the cache does not tell."""
        try:
            report, numbers = await self._guard.call(self._read, pauses=False)
        except StreamrecError:
            return None
        if report is None:
            return None
        return TrainerStatus(
            report.generation,
            started_at=report.started_at,
            published_at=report.published_at,
            age_s=max(0.0, self.clock() - report.published_at),
            numbers=numbers,
            rejected=report.rejected,
        )

    async def _read(self) -> tuple[TrainerReport | None, dict[str, float]]:
        return await asyncio.gather(self._cache.report(), self._cache.counters())

    async def series(self, resolution: str, since: float, names: Collection[str]) -> SeriesAnswer:
        """Return the points that begin after `since`, as far back as the ring of the resolution goes.

        Parameters
        ----------
        names
            Of the figures that are wanted; empty: all there are.

        Raises
        ------
        Unavailable
            When the cache does not answer.
        """
        ring, now = RINGS[resolution], self.clock()
        slots = ring.slots_since(since, now)
        held = await self._guard.call(lambda: self._cache.points(ring, slots)) if slots else []
        oldest = max(since, now - ring.interval_s * (ring.n_slots + 1))
        points = [point for point in held if oldest < point.at <= now]
        return SeriesAnswer(ring.interval_s, now, [point.at for point in points], _columns(points, names))


def _columns(points: Sequence[StatusPoint], names: Collection[str]) -> dict[str, list[float | None]]:
    rows: list[Mapping[str, float]] = [point.values for point in points]
    wanted = names or sorted({name for row in rows for name in row})
    return {name: [row.get(name) for row in rows] for name in wanted}
