"""Cost of a served list: processor time of an answer with 10 items, at 100,000 items, without any I/O.

The recommender that serves, over stores in memory and an index that has found everything beforehand. Time is
the thread's own, so that other processes do not count; cases take turns within one run. What the stores
themselves take is in the totals, and shown as a stage.
"""

import asyncio
import gc
import os
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.serving.served_list_stages import staged
from benchmarks.serving.served_list_world import CASES, Case, K, World, made_world
from streamrec.serving.composition import ServingLimits, serving_over
from streamrec.serving.sources.near_rankings import TOO_OLD_S
from streamrec.telemetry import NullMetrics

WANTED_MS = 3.0

LIMITS = ServingLimits(ranking_age_s=TOO_OLD_S)
"""As the server's own: rankings are copies that are read beside the answers."""


async def measured(world: World, case: Case, n_answers: int) -> list[float]:
    """Return the milliseconds that each answer took."""
    cache = world.forgetful_cache if case.misses else world.cache
    serving = serving_over(world.store, cache, world.found, NullMetrics(), LIMITS)
    durations = []
    for number in range(n_answers + 1):
        request = case.request(number)
        started = time.thread_time()
        answer = await serving.recommender.recommend(request)
        durations.append((time.thread_time() - started) * 1e3)
        assert len(answer.items) == K
        assert not answer.degraded
    await serving.aclose()
    return durations[1:]


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
