"""Throughput and tail of recommendations over HTTP: by connections, by items, by seen items.

``python -m benchmarks.serving.curves --json FILE``; `benchmarks.charts` draws them. At each point the bare
Falcon app of `benchmarks.serving.recommendations` takes its turns, so that a busier machine can be told from
slower code.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import results_file
from benchmarks.serving.load import CONNECTIONS
from benchmarks.serving.recommendations import UVICORN, measure_throughput, populated, recommending
from benchmarks.serving.stack import Sizes

USUAL = Sizes(n_items=100_000, n_users=20_000, n_seen=50)

CONNECTION_COUNTS = (1, 2, 4, 8, 16, 32, 64)
ITEM_COUNTS = (1_000, 10_000, 100_000, 1_000_000)
SEEN_COUNTS = (10, 100, 1_000, 10_000)

MOST_PAIRS = 2_000_000
"""Of users and seen items: with more of them the stores take longer to fill than to measure."""

Point = dict[str, Any]


def sizes_with(*, n_items: int = USUAL.n_items, n_seen: int = USUAL.n_seen) -> Sizes:
    """Return the usual sizes but for one of them, with fewer users where each has seen much.

    >>> sizes_with(n_seen=10_000)
    Sizes(n_items=100000, n_users=200, n_seen=10000)
    >>> sizes_with(n_items=1_000)
    Sizes(n_items=1000, n_users=20000, n_seen=50)
    """
    return Sizes(n_items, min(USUAL.n_users, MOST_PAIRS // n_seen), n_seen)


def points_of(sizes: Sizes, connections: Sequence[int], seconds: float, turns: int) -> list[Point]:
    """Measure one stack at some numbers of connections."""
    points = []
    with populated(sizes) as stack, recommending(stack, UVICORN) as port:
        for n_connections in connections:
            found = measure_throughput(UVICORN, sizes, port, seconds, turns, n_connections)
            points.append({**sizes._asdict(), "n_connections": n_connections, **found})
    return points


def main(
    json_path: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    seconds: Annotated[float, typer.Option(help="Of each turn.")] = 4.0,
    turns: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Measure three curves and print them."""
    curves = {
        "connections": points_of(USUAL, CONNECTION_COUNTS, seconds, turns),
        "items": [
            point
            for n_items in track(ITEM_COUNTS, "Items")
            for point in points_of(sizes_with(n_items=n_items), [CONNECTIONS], seconds, turns)
        ],
        "seen": [
            point
            for n_seen in track(SEEN_COUNTS, "Seen items")
            for point in points_of(sizes_with(n_seen=n_seen), [CONNECTIONS], seconds, turns)
        ],
    }
    show(curves)
    results_file.write(json_path, curves)


def show(curves: dict[str, list[Point]]) -> None:
    """Print a table of all points."""
    table = Table(
        "curve", "connections", "items", "seen", "answers/s", "beside bare", "p50 ms", "p99 ms", "failed"
    )
    for name, points in curves.items():
        for point in points:
            counts = [f"{point[count]:,}" for count in ("n_connections", "n_items", "n_seen")]
            figures = [f"{point['recommendations_per_s']:,.0f}", f"{point['ratio']:.3f}"]
            latencies = [f"{point['p50_ms']:.1f}", f"{point['p99_ms']:.1f}"]
            table.add_row(name, *counts, *figures, *latencies, str(point["n_failed"]))
    Console(width=110).print(table)


if __name__ == "__main__":
    typer.run(main)
