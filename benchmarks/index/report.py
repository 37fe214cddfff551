"""The index: recall and time by size, what HTTP adds, and how it bears growing and deleting."""

from pathlib import Path
from typing import Annotated, Any

import faiss
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.index.hop import measure_hop
from benchmarks.index.recall import measure_growth, measure_size
from benchmarks.index.vectors import SHAPES

SIZES = (100_000, 1_000_000)


def main(
    json: Annotated[Path | None, typer.Option(help="Where to write the figures.")] = None,
    sizes: Annotated[list[int], typer.Option(help="Numbers of items.")] = list(SIZES),  # noqa: B006
) -> None:
    """Measure, print tables, write JSON."""
    faiss.omp_set_num_threads(1)
    by_size = [measure_size(n, shape) for n in sizes for shape in SHAPES]
    hop = [measure_hop(shape) for shape in SHAPES]
    growth = measure_growth()
    _print("By size, 200 nearest left out. Wanted: recall_at_10 >= .95, search_ms_p50 <= 5", by_size)
    _print("Over HTTP, 200 nearest left out. Wanted: ratio <= 1.5", hop)
    _print("Growing and deleting. Wanted: recall_at_10 >= .95, visible_ms_max <= 1000", growth)
    figures = {"by_size": by_size, "hop": hop, "growth": growth}
    results_file.write(json, figures)


def _print(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as columns: names are long, and there are few rows."""
    table = Table("", *("" for _ in rows), title=title, title_justify="left", show_header=False)
    for name in rows[0]:
        table.add_row(name, *(_shown(row[name]) for row in rows))
    Console().print(table)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {value[key]}" for key in value)
    return str(value)


if __name__ == "__main__":
    typer.run(main)
