"""Cost of live experiments: processor time of an answer with an experiment running, beside one without.

The world of `benchmarks.serving.served_list`, whose lists need no I/O, and a log in a SQLite file. Time is
that of all threads, so the appending of exposures counts; what HTTP takes, which is the same for both, does
not: the shares are of the recommender alone. Cases take turns within one run; variants change nothing.

``python -m benchmarks.serving.experiment_cost --json FILE``
"""

import asyncio
import gc
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from benchmarks import results_file
from benchmarks.serving.served_list import LIMITS
from benchmarks.serving.served_list_world import Case, K, World, made_world
from streamrec.adapters.opening import open_event_sink
from streamrec.domain.experiments.definition import Experiment, Variant
from streamrec.serving.composition import serving_over
from streamrec.serving.experiments.composition import experimenting_over
from streamrec.serving.experiments.experimenting import Asked, ExperimentingRecommender, ExposureRules
from streamrec.telemetry import NullMetrics

WANTED_SHARE = 0.03

CASES: dict[str, dict[str, Any]] = {
    "without": {"state": "draft"},
    "a/b": {},
    "a/b, by audience": {"audience": {"country": ("NZ",)}},
    "interleaved": {"design": "interleaved"},
}
"""Fields of the experiment; `without` is what the others are measured beside."""

_CASE = Case(100)


async def measured(world: World, fields: dict[str, Any], n_answers: int) -> float:
    """Return the milliseconds of an answer, the appending of its exposure included."""
    variants = (Variant("as-is"), Variant("too"))
    experiment = Experiment(
        "x", 1, **{"variants": variants, "control": "as-is", "primary": "ctr", "state": "running"} | fields
    )
    await world.store.delete_experiment("x")
    await world.store.put_experiment(experiment, 0)
    metrics = NullMetrics()
    serving = serving_over(world.store, world.cache, world.found, metrics, LIMITS)
    with tempfile.TemporaryDirectory() as folder:
        sink = open_event_sink(f"sqlite:///{folder}/events.db")
        experimenting = experimenting_over(serving.usual, world.store, sink, metrics, 1.0, ExposureRules())
        await experimenting.running.refresh()
        await _ask(experimenting.recommender, 0)
        started = time.process_time()
        experimenting.start()
        for number in range(n_answers):
            await _ask(experimenting.recommender, number)
            if number % 16 == 0:
                await asyncio.sleep(0)  # as between requests
        await experimenting.aclose()
        took_s = time.process_time() - started
        sink.close()
    await serving.aclose()
    return took_s / n_answers * 1e3


async def _ask(recommender: ExperimentingRecommender, number: int) -> None:
    told = await recommender.recommend(Asked(_CASE.request(number), f"request-{number}"))
    assert len(told.recommendations.items) == K


def main(
    json_path: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    answers: Annotated[int, typer.Option(min=100, help="Of each case and turn.")] = 1000,
    turns: Annotated[int, typer.Option(min=1)] = 9,
) -> None:
    """Measure and print."""
    world = made_world()
    gc.collect()
    gc.freeze()
    durations: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(turns):
        for name, fields in CASES.items():
            durations[name].append(asyncio.run(measured(world, fields, answers)))
    beside = durations["without"]
    shares = {
        name: median(one / other - 1 for one, other in zip(of_case, beside, strict=True))
        for name, of_case in durations.items()
    }
    results = {
        "load_average": os.getloadavg(),
        "answer_ms": {name: median(of_case) for name, of_case in durations.items()},
        "share_more": shares,
        "wanted_share": WANTED_SHARE,
    }
    for name, share in shares.items():
        print(f"{name}: {median(durations[name]):.3f} ms an answer, {share:+.1%}")
    print(f"at most {WANTED_SHARE:.0%} more wanted of a/b; load average {os.getloadavg()[0]:.1f}")
    results_file.write(json_path, results)


if __name__ == "__main__":
    typer.run(main)
