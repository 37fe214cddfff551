"""Items like one: how fast over HTTP among 100,000, and whether planted groups are found.

The stack is the embedded one with a real index server. Nearly every item is asked for the first time: no
copy inside the server has its neighbours. ``python -m benchmarks.similarity.items --json FILE``
"""

import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated, Any, get_args

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.serving.recommendations import load
from benchmarks.serving.stack import Sizes, environment_of, locations_in, populate, served
from benchmarks.similarity.item_groups import planted
from streamrec.adapters.opening import open_cache_publisher
from streamrec.cli.launch.local_servers import free_port
from streamrec.domain.sources.table import SimilarityKind
from streamrec.ports import Neighbours
from streamrec.settings.processes import CoVisitationSettings, LocationSettings

WANTED_P99_MS = 20.0
WANTED_PRECISION = 0.9

N_ASKED = 20_000
"""Items that are asked for, in turn: ten times what a server keeps neighbours of."""

_N_USERS = 1_000
"""They have no part in what is measured."""

_GROUP_EVENTS = (5_000, 10_000, 20_000)
_N_SEEDS = 3

Result = dict[str, Any]


def publish_neighbours(locations: LocationSettings, n_items: int, seed: int) -> None:
    """Give each item that is asked for as many neighbours as the trainer would."""
    chance = np.random.default_rng(seed)
    k = CoVisitationSettings().n_published
    falling = np.sort(chance.random(k))[::-1].round(6).tolist()
    counts = list(range(k, 0, -1))
    cache = open_cache_publisher(locations.cache_url)
    for first in range(0, N_ASKED, 1000):
        near = {}
        for number in range(first, first + 1000):
            chosen, by_day = chance.integers(n_items, size=(2, 2 * k))
            ids, ids_by_day = (
                [f"i{row}" for row in dict.fromkeys(rows.tolist())] for rows in (chosen, by_day)
            )
            near[f"i{number}"] = Neighbours(
                ids[:k],
                similarities=falling,
                supports=[9.5] * k,
                follows=falling,
                same_day_ids=ids_by_day[:k],
                same_day_counts=counts,
            )
        cache.publish_neighbours(near)
    cache.close()


def measure_latency(n_items: int, seconds: float, turns: int) -> dict[str, Result]:
    """Ask 100 times a second for items like one, in each way by turns."""
    latencies: dict[str, list[Result]] = {by: [] for by in get_args(SimilarityKind)}
    with tempfile.TemporaryDirectory() as name:
        index_port, port = free_port(), free_port()
        locations = locations_in(Path(name), index_port)
        populate(locations, Sizes(n_items, _N_USERS))
        publish_neighbours(locations, n_items, seed=1)
        environment = environment_of(locations)
        index = served(["-c", "python:faiss_server.gunicorn_settings"], index_port, environment)
        recommender = served(["-c", "python:recommender_server.gunicorn_settings"], port, environment)
        with index, recommender:
            load(port, "/v1/items/i{n}/similar", seconds=2, below=N_ASKED)  # warm
            for turn in range(turns):
                for by, results in latencies.items():
                    options = {"seconds": seconds, "rate": 100, "first": turn * N_ASKED // turns}
                    path = f"/v1/items/i{{n}}/similar?by={by}&k=10"
                    results.append(load(port, path, ('"degraded":false',), below=N_ASKED, **options))
    return {by: _summary(results) for by, results in latencies.items()}


def _summary(results: list[Result]) -> Result:
    middle = {name: median(result[name] for result in results) for name in ("p50_ms", "p99_ms")}
    return {
        **middle,
        "max_ms": max(result["max_ms"] for result in results),
        "n_answers": sum(result["n_answers"] for result in results),
        "n_failed": sum(result["n_failed"] for result in results),
    }


def measure_groups() -> dict[str, dict[str, float]]:
    """Return by number of events and kind of similarity the mean precision over some seeds."""
    found = {}
    for n_events in _GROUP_EVENTS:
        by_seed = [planted(n_events, seed) for seed in range(_N_SEEDS)]
        found[str(n_events)] = {
            by: sum(precisions[by] for precisions in by_seed) / _N_SEEDS for by in get_args(SimilarityKind)
        }
    return found


def show(result: Result) -> None:
    """Print the tables."""
    console = Console()
    table = Table("by", "p50 ms", "p99 ms", "longest ms", "answers", "failed")
    for by, row in result["latency_at_100_per_s"].items():
        times = [f"{row[name]:.1f}" for name in ("p50_ms", "p99_ms", "max_ms")]
        table.add_row(by, *times, str(row["n_answers"]), str(row["n_failed"]))
    console.print(table)
    console.print(f"p99 of at most {WANTED_P99_MS:.0f} ms is wanted")
    table = Table("events", *get_args(SimilarityKind))
    for n_events, precisions in result["precision_in_planted_groups"].items():
        table.add_row(f"{int(n_events):,}", *(f"{share:.3f}" for share in precisions.values()))
    console.print(table)
    console.print(f"precision at (group size - 1) of at least {WANTED_PRECISION} is wanted")


def main(
    json_path: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    n_items: int = 100_000,
    seconds: float = 6.0,
    turns: int = 3,
) -> None:
    """Measure and print."""
    result = {
        "n_items": n_items,
        "latency_at_100_per_s": measure_latency(n_items, seconds, turns),
        "precision_in_planted_groups": measure_groups(),
    }
    results_file.write(json_path, result)
    show(result)


if __name__ == "__main__":
    typer.run(main)
