"""Trials of the statistics: false alarms, power, looks at any time, and exposures that each design needs.

``python -m benchmarks.experiments.trials --json FILE``
"""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from lab.experiments.design_trials import RatioTrials, alike_mixed, exposures_needed
from lab.experiments.trials import Count, PeekedTrials, PowerTrials, alike, peeked, planted_uplift

WANTED_ALARMS = 0.05
WANTED_RATIO = 0.1


class Trials(msgspec.Struct):
    """Figures of all trials."""

    alike: Count
    uplift: PowerTrials
    peeked: PeekedTrials
    mixed: Count
    exposures: RatioTrials


def measured(n_trials: int, n_ratio_trials: int, seed: int) -> Trials:
    """Run the trials."""
    return Trials(
        alike=alike(n_trials, 1000, seed),
        uplift=planted_uplift(n_trials, seed + 1),
        peeked=peeked(n_trials, 20_000, seed + 2),
        mixed=alike_mixed(n_trials, 1000, seed + 3),
        exposures=exposures_needed(n_ratio_trials, 80_000, seed + 4),
    )


def show(trials: Trials) -> None:
    """Print the tables."""
    console = Console()
    table = Table("trials", "found", "of", "interval (95 %)", "wanted")
    peeks, at_most = trials.peeked, f"≤ {WANTED_ALARMS:.0%}"
    rows = [
        ("A/A/A, one look, Holm: false alarms", trials.alike, at_most),
        (f"A/A, read after every {peeks.every} exposures: verdicts", peeks.decided, at_most),
        ("the same: alarms of the sample ratio", peeks.sample_ratio, at_most),
        ("the same, by the test for one look", peeks.fixed, ""),
        ("A/A mixed lists, read after every 20 users: verdicts", trials.mixed, at_most),
        (
            f"uplift of {trials.uplift.uplift:.0%}, {trials.uplift.n_users_each:,} users each: found",
            trials.uplift.found,
            f"≥ {trials.uplift.promised:.0%}",
        ),
    ]
    for name, count, wanted in rows:
        low, high = count.interval
        table.add_row(name, str(count.n), str(count.of), f"{low:.1%} to {high:.1%}", wanted)
    console.print(table)
    table = Table("design", "exposures to a decision", "interleaved by it", "undecided")
    exposures = trials.exposures
    undecided = str(exposures.n_undecided["interleaved"])
    table.add_row("interleaved", f"{exposures.interleaved:,.0f}", "", undecided)
    for metric, n in exposures.ab.items():
        ratio = f"{exposures.ratio[metric]:.3f}"
        table.add_row(f"A/B by {metric}", f"{n:,.0f}", ratio, str(exposures.n_undecided[metric]))
    console.print(table)
    console.print(f"a ratio of at most {WANTED_RATIO} is wanted; wrong decisions: {exposures.n_wrong}")


def main(
    json_path: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    n_trials: int = 200,
    n_ratio_trials: int = 10,
    seed: int = 100,
) -> None:
    """Measure and print."""
    trials = measured(n_trials, n_ratio_trials, seed)
    results_file.write(json_path, trials)
    show(trials)


if __name__ == "__main__":
    typer.run(main)
