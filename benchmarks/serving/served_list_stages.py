"""Cost of a served list by stage: the same recommender, each of its parts watched."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.served_list_world import N_USERS, Case, World
from streamrec.domain.events.stream_time import StreamTime
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates, Described, Proposal
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.table import COLUMNS
from streamrec.ports import Rankings, VectorSearch
from streamrec.serving.composition import GuardedUsers, ServingLimits
from streamrec.serving.filters.followed_items import FollowedItems
from streamrec.serving.guard import Answered, Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.recommender import Recommender
from streamrec.serving.sources.near_categories import FollowedCategories, NearCategories
from streamrec.serving.sources.reading import ServedReader
from streamrec.serving.sources.retrieval import Look, Retrieval, Stage
from streamrec.telemetry import NullMetrics

T = TypeVar("T")


class StageTimes:
    """Seconds by stage, each without those that it calls."""

    def __init__(self) -> None:
        self.total_s: defaultdict[str, float] = defaultdict(float)
        self._open = ["rest"]
        self._since = time.thread_time()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens in the block for a stage."""
        self._turn()
        self._open.append(name)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def _turn(self) -> None:
        now = time.thread_time()
        self.total_s[self._open[-1]] += now - self._since
        self._since = now

    async def of(self, name: str, work: Awaitable[T]) -> T:
        """Count what is awaited for a stage; nothing here waits, so that no other work comes between."""
        with self.stage(name):
            return await work


class _Watched:
    """A store, cache or index whose calls count as its own stage."""

    def __init__(self, part: object, times: StageTimes) -> None:
        self._part = part
        self._times = times

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        method = getattr(self._part, name)
        return lambda *arguments: self._times.of("stores", method(*arguments))


class _WatchedRetrieval(Retrieval):
    def __init__(
        self,
        times: StageTimes,
        parts: tuple[Rankings, Guard, VectorSearch, Guard],
        categories: FollowedCategories,
    ) -> None:
        super().__init__(ServedReader(*parts), categories)
        self._times = times

    async def look(self, context: RequestContext, stage: Stage, n: int) -> Look:
        return await self._times.of("sources", super().look(context, stage, n))

    def candidates(self, findings: Findings, proposals: Mapping[str, Proposal]) -> Candidates:
        with self._times.stage("features"):
            return super().candidates(findings, proposals)


class _WatchedRanker(BlendRanker):
    def __init__(self, times: StageTimes) -> None:
        super().__init__(COLUMNS)
        self._times = times

    async def ranker(self) -> BlendRanker:
        return self

    def time(self) -> StreamTime:
        return StreamTime()

    def cohorts(self) -> Collection[int]:
        return ()

    def probabilities(self, candidates: Described) -> NDArray[np.float32]:
        with self._times.stage("ranker"):
            return super().probabilities(candidates)

    def main_sources(self, candidates: Candidates, rows: Sequence[int]) -> list[str]:
        with self._times.stage("ranker"):
            return super().main_sources(candidates, rows)


class _WatchedItems:
    def __init__(self, reader: ItemReader, times: StageTimes) -> None:
        self._reader = reader
        self._times = times

    async def read(self, item_ids: Sequence[str]) -> Answered[dict[str, Item]]:
        return await self._times.of("metadata", self._reader.read(item_ids))


def watched(world: World, case: Case, followed: FollowedItems, times: StageTimes) -> Recommender:
    """Return the recommender as `serving_over` composes it, with its stages timed."""
    limits, metrics = ServingLimits(ranking_age_s=1.0), NullMetrics()
    of_case = world.forgetful_cache if case.misses else world.cache
    store, cache, index = (cast("Any", _Watched(part, times)) for part in (world.store, of_case, world.found))
    guards = [Guard(name, limits.timeout_s, metrics) for name in ("store", "cache", "index")]
    items = _WatchedItems(ItemReader(cache, guards[1], store, guards[0], metrics), times)
    parts = (cache, guards[1], index, guards[2])
    retrieval = _WatchedRetrieval(times, parts, FollowedCategories(followed, NearCategories(items)))
    users = GuardedUsers(store, guards[0], limits.n_seen_excluded)
    return Recommender(users, retrieval, items, _WatchedRanker(times), metrics)


async def staged(world: World, case: Case, followed: FollowedItems, n_answers: int) -> dict[str, float]:
    """Return the milliseconds of an answer by stage, once each user has asked."""
    times = StageTimes()
    recommender = watched(world, case, followed, times)
    for number in range(N_USERS):
        await recommender.recommend(case.request(number))
    with times.stage("outside"):
        before = dict(times.total_s)
    for number in range(n_answers):
        await recommender.recommend(case.request(number))
    with times.stage("outside"):
        pass
    return {
        name: (took_s - before.get(name, 0.0)) * 1e3 / n_answers
        for name, took_s in sorted(times.total_s.items())
        if name != "outside"
    }
