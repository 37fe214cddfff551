"""Check that no hot path got slower (`make bench-quick`), or write what later runs are held against.

Each part is measured in a process of its own. Only ratios within one run are compared, never times: a faster
or a busier machine moves both of a ratio's sides. Record on a machine with nothing else to do.
"""

import json
import subprocess
import sys
import time
from collections import defaultdict
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.quick.recorded import Recorded, figure_of, risen

RECORDED = results_file.RESULTS / "quick.json"

PARTS = ("served_list", "served", "learner", "trainer", "index_hop", "fresh")
"""Of `benchmarks.quick.ratios`, which imports all that is measured: each process does so for itself."""


def one_run() -> dict[str, float]:
    """Measure every part once."""
    found: dict[str, float] = {}
    for part in PARTS:
        started = time.monotonic()
        command = [sys.executable, "-m", "benchmarks.quick.ratios", part]
        ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        ratios: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
        shown = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
        print(f"{shown}   ({time.monotonic() - started:.0f} s)")
        found |= ratios
    return found


def show(recorded: Recorded) -> None:
    """Print what was recorded."""
    table = Table("ratio of", "median", "tolerance", "runs")
    for name, figure in recorded.figures.items():
        runs = " ".join(f"{run:.2f}" for run in figure.runs)
        table.add_row(name, f"{figure.ratio:.2f}", f"{figure.tolerance:.0%}", runs)
    Console().print(table)


def main(
    record: Annotated[
        int, typer.Option(min=0, help="Write the medians of so many runs instead of checking one.")
    ] = 0,
) -> None:
    """Measure, and compare with what was recorded."""
    if record:
        runs: defaultdict[str, list[float]] = defaultdict(list)
        for _ in range(record):
            for name, ratio in one_run().items():
                runs[name].append(ratio)
        recorded = Recorded({name: figure_of(of_name) for name, of_name in runs.items()})
        show(recorded)
        results_file.write(RECORDED, recorded)
        return
    if not RECORDED.exists():
        raise typer.BadParameter("nothing is recorded yet: --record 10")
    recorded = msgspec.json.decode(RECORDED.read_bytes(), type=Recorded)
    complaints = risen(one_run(), recorded)
    if complaints:
        print("slower than recorded, beside the same reference:", *complaints, sep="\n  ", file=sys.stderr)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
