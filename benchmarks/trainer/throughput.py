"""The whole trainer on SQLite: decode, learn, publish, checkpoint; and what a million users cost.

Figures: events a second; cost of an event with 1,000,000 known users beside 10,000, in turns; peak memory.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.trainer.prepare import N_EVENTS

Size = tuple[int, int]
Result = dict[str, Any]

SMALL, MIDDLE, MANY_USERS = (10_000, 10_000), (100_000, 10_000), (1_000_000, 10_000)
LARGE = (1_000_000, 100_000)
"""(users, items)."""

JsonPath = Annotated[Path, typer.Option("--json", help="Where the figures go.")]


def prepare(folder: Path, size: Size, n_events: int = N_EVENTS) -> Path:
    """Write a generation and a stream, in a process of its own: its memory must not count."""
    prepared = folder / f"{size[0]}-{size[1]}"
    prepared.mkdir()
    command = [
        sys.executable,
        "-m",
        "benchmarks.trainer.prepare",
        str(prepared),
        *map(str, (*size, n_events)),
    ]
    subprocess.run(command, check=True)
    return prepared


def measure(prepared: Path) -> Result:
    """Run the trainer over a copy of what was prepared."""
    copy = prepared.with_name("copy")
    shutil.copytree(prepared, copy)
    command = [sys.executable, "-m", "benchmarks.trainer.run", str(copy)]
    try:
        ended = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    finally:
        shutil.rmtree(copy)
    result: Result = json.loads(ended.stdout)
    return result


def median_of(results: list[Result], name: str) -> float:
    """Return the median of a figure over turns."""
    return statistics.median(float(result[name]) for result in results)


def summary_of(size: Size, results: list[Result]) -> Result:
    """Return the medians of a size's turns."""
    names = ("events_per_s", "cores_busy", "learning_us_per_event", "cpu_us_per_event", "peak_memory_mb")
    middle = sorted(results, key=lambda result: float(result["events_per_s"]))[len(results) // 2]
    return {
        "n_users": size[0],
        "n_items": size[1],
        **{name: median_of(results, name) for name in names},
        "stage_share": middle["stage_share"],
    }


def main(
    json_path: JsonPath = Path("benchmarks/results/trainer.json"),
    n_turns: Annotated[int, typer.Option("--turns", min=1, help="Runs of each size.")] = 3,
) -> None:
    """Measure the whole trainer at 10,000 to 1,000,000 users."""
    turns: dict[Size, list[Result]] = {SMALL: [], MANY_USERS: [], LARGE: [], MIDDLE: []}
    with tempfile.TemporaryDirectory() as directory:
        prepared = {size: prepare(Path(directory), size) for size in turns}
        for _ in range(n_turns):
            for size in turns:
                turns[size].append(measure(prepared[size]))
    summaries = [summary_of(size, of_size) for size, of_size in turns.items()]
    small, many_users, large, _ = summaries
    results: Result = {
        "sizes": summaries,
        "events_per_s": small["events_per_s"],
        "learn_stage_cost_ratio": many_users["learning_us_per_event"] / small["learning_us_per_event"],
        "whole_cost_ratio": small["events_per_s"] / many_users["events_per_s"],
        "peak_memory_mb": large["peak_memory_mb"],
    }
    show(results)
    results_file.write(json_path, results)


def show(results: Result) -> None:
    """Print the figures beside what is wanted."""
    table = Table("users", "items", "events/s", "cores", "learning us/event", "CPU us/event", "peak MB")
    for size in results["sizes"]:
        row = [f"{size['n_users']:,}", f"{size['n_items']:,}", f"{size['events_per_s']:,.0f}"]
        row += [f"{size['cores_busy']:.2f}", f"{size['learning_us_per_event']:.1f}"]
        table.add_row(*row, f"{size['cpu_us_per_event']:.1f}", f"{size['peak_memory_mb']:,.0f}")
    Console().print(table)
    for size in results["sizes"]:
        stages = ", ".join(f"{name} {share:.0%}" for name, share in size["stage_share"].items())
        print(f"{size['n_users']:>9,} users, share of the time by stage (stages overlap): {stages}")
    print(f"whole trainer: {results['events_per_s']:,.0f} events/s (10,000 wanted)")
    print(f"whole trainer, 1,000,000 users / 10,000: {results['whole_cost_ratio']:.2f} (at most 2 wanted)")
    stage = results["learn_stage_cost_ratio"]
    print(f"its stage of learning, beside the others' threads: {stage:.2f}; alone: benchmarks.learning.speed")
    print(f"peak memory: {results['peak_memory_mb']:,.0f} MB (at most 1,500 wanted)")


if __name__ == "__main__":
    typer.run(main)
