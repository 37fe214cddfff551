"""The trainer and the servers over Kafka, MongoDB and Redis, all on the same two cores.

1. A topic filled beforehand -> trainer -> MongoDB, Redis and the index, for three minutes, with each driver.
2. ``GET /v1/recommendations`` 100 times a second beside a stream of 500 events a second.
3. From a record in Kafka, produced by a foreign client, to a changed recommendation, beside the same stream.
4. As many requests as get an answer, by turns with a recommender over SQLite, without a stream.

``python -m benchmarks.services.whole_system --json FILE``
"""

import asyncio
import json
import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.services.freshness import measure_freshness, produce_steadily
from benchmarks.services.full_load import measure_full_load
from benchmarks.services.stack import (
    EXPECTED,
    ITEM_PREFIX,
    N_ITEMS,
    N_USERS,
    PATH,
    Stack,
    running,
    store_metadata,
    wait_until_idle,
)
from benchmarks.serving.recommendations import load, wait_for_items
from benchmarks.trainer.prepare import write_stream

STREAM_PER_S = 500.0
REQUESTS_PER_S = 100.0

Result = dict[str, Any]


def measure_training(scheme: str, seconds: float, n_events: int) -> Result:
    """Fill a topic, then let the trainer learn from it; all servers and the index take their part."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        write_stream(_with_scheme(stack, "kafka+confluent"), N_USERS, N_ITEMS, n_events)
        stack.start_index()
        environment = stack.environment(_with_scheme(stack, scheme))
        command = [sys.executable, "-m", "benchmarks.services.trainer", str(seconds)]
        before = stack.cpu_s()
        ended = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
        result: Result = json.loads(ended.stdout)
        others = {name: round((s - before[name]) / result["seconds"], 3) for name, s in stack.cpu_s().items()}
    return result | {"driver": scheme, "cores_of_others": others}


def _with_scheme(stack: Stack, scheme: str) -> str:
    return f"{scheme}:{stack.locations.events_url.partition(':')[2]}"


def measure_serving(seconds: float) -> Result:
    """Return latency and freshness beside a stream that is learned, and then the answers at full load.

    The steady state is measured: once the recommender has read all items, and is idle.
    """
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        asyncio.run(store_metadata(stack.locations))
        stack.start_index()
        port = stack.start_recommender()
        stack.start_trainer()
        bootstrap = stack.locations.events_url.removeprefix("kafka://")
        producer = multiprocessing.get_context("spawn").Process(
            target=produce_steadily, args=(bootstrap, STREAM_PER_S, N_USERS, N_ITEMS), daemon=True
        )
        producer.start()
        try:
            load(port, PATH, seconds=5, rate=REQUESTS_PER_S, below=N_USERS)  # warm
            wait_for_items(port, "user-0")
            wait_until_idle(stack.pids["recommender"])
            before = stack.cpu_s()
            options = {"seconds": seconds, "rate": REQUESTS_PER_S, "first": N_USERS // 2, "below": N_USERS}
            latency = load(port, PATH, EXPECTED, **options)
            cores = {name: round((s - before[name]) / seconds, 3) for name, s in stack.cpu_s().items()}
            user_ids = [f"user-{n}" for n in range(N_USERS)]
            freshness = asyncio.run(measure_freshness(port, bootstrap, user_ids))
        finally:
            producer.terminate()
            producer.join()
        full_load = measure_full_load(port, seconds / 3)
    return {"recommendations": latency | {"cores": cores}, "freshness": freshness, "full_load": full_load}


def show(result: Result) -> None:
    """Print the figures beside what is wanted."""
    table = Table("driver", "seconds", "events/s", "slowest 10 s", "trainer's cores", "others' cores")
    for row in result["training"]:
        others = ", ".join(f"{name} {cores:.2f}" for name, cores in row["cores_of_others"].items())
        rates = [f"{row['events_per_s']:,.0f}", f"{row['slowest_window_per_s']:,.0f}"]
        table.add_row(row["driver"], f"{row['seconds']:.0f}", *rates, f"{row['cores_busy']:.2f}", others)
    console = Console()
    console.print(table)
    for row in result["training"]:
        stages = ", ".join(f"{name} {share:.0%}" for name, share in row["stage_share"].items())
        console.print(f"{row['driver']}: share of the time by stage (stages overlap): {stages}")
    console.print("wanted: 3,000 events/s with kafka-python, 5,000 with confluent-kafka")
    for name, wanted in (("recommendations", "p99 20 ms"), ("freshness", "p50 300 ms, p99 1,500 ms")):
        row = result[name]
        console.print(
            f"{name}: p50 {row['p50_ms']:.1f} ms, p99 {row['p99_ms']:.1f} ms, longest {row['max_ms']:.0f} ms"
            f" (wanted: {wanted})"
        )
    row = result["full_load"]
    console.print(
        f"at full load without a stream: {row['per_s']:,.0f} answers/s, {row['ratio']:.2f} of the"
        f" {row['embedded_per_s']:,.0f} over SQLite (wanted: .50)"
    )


def main(
    json_path: Annotated[Path, typer.Option("--json", help="Where the figures go.")] = Path(
        "benchmarks/results/services.json"
    ),
    seconds: Annotated[float, typer.Option(help="Of learning with each driver.")] = 180.0,
    events: Annotated[int, typer.Option(help="In the topic beforehand.")] = 2_200_000,
    serving_seconds: float = 30.0,
    driver: Annotated[list[str] | None, typer.Option(help="Schemes of the broker's URL.")] = None,
) -> None:
    """Measure and print."""
    drivers = driver or ["kafka", "kafka+confluent"]
    result: Result = {
        "n_users": N_USERS,
        "n_items": N_ITEMS,
        "item_prefix": ITEM_PREFIX,
        "training": [measure_training(scheme, seconds, events) for scheme in drivers],
    }
    result |= {"stream_per_s": STREAM_PER_S, **measure_serving(serving_seconds)}
    show(result)
    results_file.write(json_path, result)


if __name__ == "__main__":
    typer.run(main)
