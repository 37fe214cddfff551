"""Cost of a served list: processor time of an answer with 10 items, at 100,000 items, without any I/O.

The recommender that serves, over stores in memory and an index that has found everything beforehand. Time is
the thread's own, so that other processes do not count; cases take turns within one run. What the stores
themselves take is in the totals, and shown as a stage.
"""

import asyncio
import gc
import os
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, cast

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.serving.served_list_world import N_SEEN, World, made_world, user_ids
from streamrec.domain.events.stream_time import StreamTime
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.rows.numbering import Id
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.table import COLUMNS
from streamrec.ports import Rankings, VectorSearch
from streamrec.serving.composition import GuardedUsers, ServingLimits, serving_over
from streamrec.serving.guard import Answered, Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.recommender import Recommender
from streamrec.serving.sources.retrieval import Look, Retrieval, Stage
from streamrec.telemetry import NullMetrics

T = TypeVar("T")

WANTED_MS = 3.0

K = 10


class Case(NamedTuple):
    """One kind of answer."""

    n_seen: int
    shape: Shape = Shape()
    explain: bool = False
    misses: bool = False

    @property
    def name(self) -> str:
        """Name in the results."""
        parts = [f"{self.n_seen} seen"]
        parts += ["metadata from the store"] if self.misses else []
        parts += [f"diversity {self.shape.diversity}"] if self.shape.diversity else []
        return ", ".join(parts + (["explained"] if self.explain else []))

    def request(self, number: int) -> RecommendationRequest:
        """Return the question of one of these users."""
        ids = user_ids(self.n_seen)
        return RecommendationRequest(K, ids[number % len(ids)], shape=self.shape, explain=self.explain)


CASES = [
    case
    for n_seen in N_SEEN
    for case in (
        Case(n_seen),
        Case(n_seen, misses=True),
        Case(n_seen, Shape(0.3)),
        Case(n_seen, explain=True),
    )
]


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
        self, times: StageTimes, cache: Rankings, cache_guard: Guard, index: VectorSearch, index_guard: Guard
    ) -> None:
        super().__init__(cache, cache_guard, index, index_guard)
        self._times = times

    async def look(self, context: RequestContext, stage: Stage, n: int) -> Look:
        return await self._times.of("sources", super().look(context, stage, n))

    def candidates(self, findings: Findings, proposals: Mapping[str, Proposal[str]]) -> Candidates[str]:
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

    def probabilities(self, candidates: Candidates[Id]) -> NDArray[np.float32]:
        with self._times.stage("ranker"):
            return super().probabilities(candidates)

    def main_sources(self, candidates: Candidates[Id], rows: Sequence[int]) -> list[str]:
        with self._times.stage("ranker"):
            return super().main_sources(candidates, rows)


class _WatchedItems:
    def __init__(self, reader: ItemReader, times: StageTimes) -> None:
        self._reader = reader
        self._times = times

    async def read(self, item_ids: Sequence[str]) -> Answered[dict[str, Item]]:
        return await self._times.of("metadata", self._reader.read(item_ids))


def watched(world: World, case: Case, times: StageTimes) -> Recommender:
    """Return the recommender as `serving_over` composes it, with its stages timed."""
    limits, metrics = ServingLimits(), NullMetrics()
    of_case = world.forgetful_cache if case.misses else world.cache
    store, cache, index = (cast("Any", _Watched(part, times)) for part in (world.store, of_case, world.found))
    guards = [Guard(name, limits.timeout_s, metrics) for name in ("store", "cache", "index")]
    items = _WatchedItems(ItemReader(cache, guards[1], store, guards[0], metrics), times)
    retrieval = _WatchedRetrieval(times, cache, guards[1], index, guards[2])
    users = GuardedUsers(store, guards[0], limits.n_seen_excluded)
    return Recommender(users, retrieval, items, _WatchedRanker(times), metrics)


async def measured(world: World, case: Case, n_answers: int) -> list[float]:
    """Return the milliseconds that each answer took."""
    cache = world.forgetful_cache if case.misses else world.cache
    serving = serving_over(world.store, cache, world.found, NullMetrics(), ServingLimits())
    durations = []
    for number in range(n_answers + 1):
        request = case.request(number)
        started = time.thread_time()
        answer = await serving.recommender.recommend(request)
        durations.append((time.thread_time() - started) * 1e3)
        assert len(answer.items) == K
        assert not answer.degraded
    await serving.items.aclose()
    await serving.blend.aclose()
    return durations[1:]


async def staged(world: World, case: Case, n_answers: int) -> dict[str, float]:
    """Return the milliseconds of an answer by stage."""
    times = StageTimes()
    recommender = watched(world, case, times)
    await recommender.recommend(case.request(0))
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


def main(
    json_path: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    answers: Annotated[int, typer.Option(min=2, help="Of each case and turn.")] = 200,
    turns: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Measure and print."""
    world = made_world()
    # A server's heap is small: looking through this one for what is garbage is nothing that an answer costs.
    gc.collect()
    gc.freeze()
    durations: dict[Case, list[float]] = {case: [] for case in CASES}
    for _ in range(turns):
        for case in CASES:
            durations[case] += asyncio.run(measured(world, case, answers))
    results: dict[str, Any] = {"load_average": os.getloadavg(), "cases": {}}
    for case in CASES:
        p50, p99 = np.percentile(durations[case], [50, 99]).tolist()
        stages = asyncio.run(staged(world, case, answers))
        results["cases"][case.name] = {"p50_ms": p50, "p99_ms": p99, "stages_ms": stages}
    show(results)
    results_file.write(json_path, results)


def show(results: dict[str, Any]) -> None:
    """Print the table; of stages, means."""
    names = sorted({name for case in results["cases"].values() for name in case["stages_ms"]})
    table = Table("case", "p50 ms", "p99 ms", *names)
    for name, case in results["cases"].items():
        stages = [f"{case['stages_ms'].get(stage, 0.0):.2f}" for stage in names]
        table.add_row(name, f"{case['p50_ms']:.2f}", f"{case['p99_ms']:.2f}", *stages)
    Console(width=150).print(table)
    print(f"{WANTED_MS} ms of processor time wanted; load average {results['load_average'][0]:.1f}")


if __name__ == "__main__":
    typer.run(main)
