"""The whole trainer on SQLite: decode, learn, publish, checkpoint; and what a million users cost.

Figures: events a second; cost of an event with 1,000,000 known users beside 10,000; peak memory.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table


def measure(n_users: int, n_items: int) -> dict[str, Any]:
    """Prepare and measure one size, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        # Prepared in another process: memory that was used to prepare must not count.
        size = [str(n_users), str(n_items)]
        subprocess.run([sys.executable, "-m", "benchmarks.trainer_prepare", folder, *size], check=True)
        ended = subprocess.run(
            [sys.executable, "-m", "benchmarks.trainer_run", folder], check=True, stdout=subprocess.PIPE
        )
    return {"n_users": n_users, "n_items": n_items, **json.loads(ended.stdout)}


JsonPath = Annotated[Path, typer.Option("--json", help="Where the figures go.")]


def main(json_path: JsonPath = Path("benchmarks/results/trainer.json")) -> None:
    """Measure the whole trainer at 10,000 and at 1,000,000 users."""
    small, many_users = measure(10_000, 10_000), measure(1_000_000, 10_000)
    large = measure(1_000_000, 100_000)
    results = {
        "sizes": [small, many_users, large],
        "events_per_s": small["events_per_s"],
        "learning_cost_ratio": many_users["learning_us_per_event"] / small["learning_us_per_event"],
        "whole_cost_ratio": small["events_per_s"] / many_users["events_per_s"],
        "peak_memory_mb": large["peak_memory_mb"],
    }
    table = Table("users", "items", "events/s", "cores", "learning us/event", "peak MB", "stages")
    for size in results["sizes"]:
        stages = ", ".join(f"{name} {share:.0%}" for name, share in size["stage_share"].items())
        table.add_row(
            f"{size['n_users']:,}", f"{size['n_items']:,}", f"{size['events_per_s']:,.0f}",
            f"{size['cores_busy']:.2f}", f"{size['learning_us_per_event']:.1f}",
            f"{size['peak_memory_mb']:,.0f}", stages,
        )  # fmt: skip
    Console().print(table)
    print(f"learning, 1,000,000 users / 10,000: {results['learning_cost_ratio']:.2f} (at most 1.3 wanted)")
    print(f"whole trainer, the same:            {results['whole_cost_ratio']:.2f} (at most 2 wanted)")
    json_path.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
