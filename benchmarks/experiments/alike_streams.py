"""Live A/A streams through the attribution's own code, read again and again: how often it alarms.

Lists, clicks and definitions go through assignment, settling, matching and reports as the attribution has
them; only logs and stores are left out. Both variants show the same, so every verdict but to keep running,
and every significant difference, is a false alarm.

``python -m benchmarks.experiments.alike_streams``
"""

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
import typer

from lab.experiments.click_model import ClickModel
from lab.experiments.planted import planted_attraction
from lab.experiments.trials import Count
from streamrec.attribution.state.attribution_state import AttributionState
from streamrec.attribution.state.saved_state import Limits
from streamrec.cli.screen import progress_bar
from streamrec.domain.experiments.assignment import Arm
from streamrec.domain.experiments.attribution import Act
from streamrec.domain.experiments.definition import Experiment, Variant
from streamrec.domain.experiments.exposure import Exposure
from streamrec.domain.experiments.report import ExperimentResults
from streamrec.experiments.results import results_of

K = 10
_BEGIN = 1_700_000_000.0
_ITEMS = [f"i{number}" for number in range(K)]


class AlikeStreams(msgspec.Struct, frozen=True):
    """Streams of which some look had a verdict, and streams of which some look had an alarm of the ratio."""

    n_exposures: int
    every: int
    decided: Count
    sample_ratio: Count


class _Shown(NamedTuple):
    """A list of a user at a time in Unix seconds, and the positions clicked."""

    user_id: str
    at: float
    clicked: list[int]


def alike_streams(n_streams: int, n_exposures: int, seed: int, every: int = 100) -> AlikeStreams:
    """Read reports of A/A streams after every so many exposures."""
    decided, alarms = [], []
    with progress_bar("A/A streams", n_streams) as show:
        for number in range(n_streams):
            reports = list(_reports(f"aa-{seed}-{number}", [seed, number], n_exposures, every))
            decided.append(any(_is_alarmed(one) for one in reports))
            alarms.append(any(one.sample_ratio.alarm for one in reports))
            show(number + 1)
    return AlikeStreams(n_exposures, every, Count.among(decided), Count.among(alarms))


def _is_alarmed(report: ExperimentResults) -> bool:
    is_primary_significant = any(one.is_significant and one.metric == "ctr" for one in report.comparisons)
    return is_primary_significant or report.verdict.decision != "keep running"


def _reports(id_: str, seed: list[int], n_exposures: int, every: int) -> Iterator[ExperimentResults]:
    variants = (Variant("control"), Variant("variant"))
    experiment = Experiment(id_, 1, variants, "control", "ctr", state="running", outcome_s=200.0)
    arm, state = Arm(experiment), AttributionState(Limits(settle_s=1.0))
    state.define({id_: experiment})
    report = None
    for number, shown in enumerate(_stream(seed, n_exposures), 1):
        assigned = arm.assigned(shown.user_id, {})
        if assigned is None:
            continue
        request_id = f"r{number}"
        state.add_exposure(
            Exposure(request_id, shown.user_id, shown.at, _ITEMS, experiments=[(id_, 1, assigned.variant)]),
            shown.at,
        )
        for at in shown.clicked:
            state.add_act(Act(shown.user_id, shown.at + 0.1, _ITEMS[at], "click", 0.0, request_id))
        if number % every == 0:
            state.settle(shown.at)
            report = results_of(experiment, state.tallies[id_].state.outcomes, state.settled_to, report)
            yield report


def _stream(seed: list[int], n_exposures: int) -> Iterator[_Shown]:
    """Yield lists, one a second, each of one of the last fifty users: most of them come twice."""
    random = np.random.default_rng(seed)
    chances = ClickModel().chances(planted_attraction(n_exposures, K, random))
    for number in range(n_exposures):
        user = max(0, number - int(random.integers(100))) // 2
        clicked = np.flatnonzero(random.random(K) < chances[user]).tolist()
        yield _Shown(f"u{user}", _BEGIN + number, clicked)


def main(
    streams: Annotated[int, typer.Option(min=1)] = 200,
    exposures: Annotated[int, typer.Option(min=100, help="Of each stream.")] = 10_000,
    seed: int = 100,
) -> None:
    """Measure and print."""
    found = alike_streams(streams, exposures, seed)
    for name, one in (("false alarms", found.decided), ("alarms of the sample ratio", found.sample_ratio)):
        low, high = one.interval
        print(f"{one.n} of {one.of} streams of {exposures:,} exposures: {name} ({low:.1%} to {high:.1%})")


if __name__ == "__main__":
    typer.run(main)
