"""Cost of a served list: processor time of an answer with 10 items, at 100,000 items, without any I/O.

The recommender that serves, over stores in memory and an index that has found everything beforehand, as it
is some seconds after a start: it knows the categories of all items, and has read neighbours for everybody who
asks. Time is the thread's own, so that other processes do not count; cases take turns within one run. What
the stores themselves take is in the totals, and shown as a stage.
"""

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.serving.served_list_stages import staged
from benchmarks.serving.served_list_world import CASES, N_USERS, Case, K, World, made_world
from streamrec.serving.composition import Serving, ServingLimits, serving_over
from streamrec.serving.sources.near_rankings import TOO_OLD_S
from streamrec.telemetry import NullMetrics

WANTED_MS = 3.0

_PATIENCE_S = 120.0

LIMITS = ServingLimits(ranking_age_s=TOO_OLD_S)
"""As the server's own: rankings are copies that are read beside the answers."""


@asynccontextmanager
async def begun(world: World, *, misses: bool = False) -> AsyncIterator[Serving]:
    """Give a recommender that knows the categories of all items.

    Parameters
    ----------
    misses
        Whether metadata is in no cache.

    Raises
    ------
    TimeoutError
        When it can't read them in two minutes.
    """
    cache = world.forgetful_cache if misses else world.cache
    serving = serving_over(world.store, cache, world.found, NullMetrics(), LIMITS)
    try:
        if not await serving.followed.wait(_PATIENCE_S):
            raise TimeoutError("the items could not be read")
        yield serving
    finally:
        await serving.aclose()


async def measured(serving: Serving, case: Case, n_answers: int) -> list[float]:
    """Return the milliseconds that each answer took."""
    durations = []
    for number in range(n_answers):
        request = case.request(number)
        started = time.thread_time()
        answer = await serving.recommender.recommend(request)
        durations.append((time.thread_time() - started) * 1e3)
        assert len(answer.items) == K
        assert not answer.degraded
    return durations


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
    results = asyncio.run(_compared(world, answers, turns))
    show(results)
    results_file.write(json_path, results)


async def _compared(world: World, n_answers: int, n_turns: int) -> dict[str, Any]:
    """Return the figures of all cases."""
    durations: dict[Case, list[float]] = {case: [] for case in CASES}
    async with begun(world) as serving, begun(world, misses=True) as missing:
        of_case = {case: missing if case.misses else serving for case in CASES}
        for case in CASES:
            await measured(of_case[case], case, N_USERS)
        for _ in range(n_turns):
            for case in CASES:
                durations[case] += await measured(of_case[case], case, n_answers)
        cases = {}
        for case in CASES:
            p50, p99 = np.percentile(durations[case], [50, 99]).tolist()
            stages = await staged(world, case, serving.followed, n_answers)
            cases[case.name] = {"p50_ms": p50, "p99_ms": p99, "stages_ms": stages}
    return {"load_average": os.getloadavg(), "cases": cases}


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
