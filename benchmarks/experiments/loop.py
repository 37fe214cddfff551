"""The whole loop: simulated users ask a running system, click, and the better of two variants is found.

Some of the users are in an A/B test, the others are shown mixed lists; the variants are lists that were made
beforehand: what is popular, and what a model that knows much of the truth ranks. Meanwhile recommender,
attribution and trainer are killed once each. What was counted must be what the users remember; and what a
second run counts in which nothing was killed.

``make experiment-loop``, or ``python -m benchmarks experiment_loop``, which writes down the figures too.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.experiments.ledger import Expected, Visit, Written, differences, expected, told
from benchmarks.experiments.population import Population
from benchmarks.experiments.running_system import started
from benchmarks.experiments.visiting import Decisions, visited
from lab.configuration.generator_section import GeneratorSection
from streamrec.adapters.opening import open_store
from streamrec.domain.items.batch_lists import Batch, ListedItem

AB, MIXED = "ab", "mixed"
CONTROL, BETTER = "popular", "taste"
KILLED = ("recommender", "attribution", "trainer")
_N_LISTED = 50
_AT_ONCE = 500


class Rules(NamedTuple):
    """Size of a run.

    Attributes
    ----------
    noise
        Error of the better variant, of attraction between 0 and 1.
    outcome_s
        Seconds after a user's first list in which the outcome is counted.
    exposures_wait_s
        So long answers wait at most until the log has their list.
    """

    n_users: int = 1000
    seed: int = 1
    max_visits: int = 6
    noise: float = 0.1
    outcome_s: float = 60.0
    exposures_wait_s: float = 5.0


class Loop(msgspec.Struct):
    """A run.

    Attributes
    ----------
    n_lost
        Lists that were shown and are not in the log: their recommender was killed.
    n_unseen
        Lists in the log whose answer never arrived.
    differences
        Counts that are not what the visits make them, in words.
    n_for_decision
        Experiment -> exposures at the first report that named the better variant; None: none did.
    verdicts
        Experiment -> decision and variant at the end.
    """

    n_visits: int
    n_lost: int
    n_unseen: int
    n_late: int
    differences: list[str]
    counts: dict[str, Expected]
    verdicts: dict[str, tuple[str, str]]
    n_for_decision: dict[str, int | None]
    took_s: float
    visits: list[Visit] = []


def run(rules: Rules, killed: Iterable[str] = KILLED) -> Loop:
    """Let a population use a system in which these parts are killed, and compare what is counted."""
    begun = time.monotonic()
    population = Population(
        GeneratorSection(n_users=rules.n_users, n_products=500), rules.seed, rules.max_visits
    )
    with tempfile.TemporaryDirectory() as name, started(Path(name), rules.exposures_wait_s) as system:
        asyncio.run(_publish(system.store_url, population, rules.noise))
        for id_, definition in _definitions(rules.outcome_s).items():
            system.patiently("PUT", f"/v1/experiments/{id_}", definition)
        reading = Decisions(system, (AB, MIXED))
        visits = visited(system, population, tuple(killed), reading)
        written = Written.of(system.exposures(), system.arrivals())
        wanted = expected(visits, written, rules.outcome_s)
        system.wait_until(lambda: reading.are_complete(wanted))
        results = reading.last
    found = {name: told(one) for name, one in results.items()}
    return Loop(
        n_visits=len(visits),
        n_lost=written.n_lost(visits),
        n_unseen=written.n_unseen(),
        n_late=sum(one.n_late for one in wanted.values()),
        differences=[
            f"{name}: {said}" for name, one in wanted.items() for said in differences(one, found[name])
        ],
        counts=found,
        verdicts={
            name: (one["verdict"]["decision"], one["verdict"]["variant"]) for name, one in results.items()
        },
        n_for_decision=reading.n_exposures,
        took_s=time.monotonic() - begun,
        visits=sorted(visits),
    )


def _definitions(outcome_s: float) -> dict[str, dict[str, Any]]:
    """Return both experiments; A/B, which needs more, has more of the users."""
    common = {
        "variants": [{"name": name, "changes": {"batch": name}} for name in (CONTROL, BETTER)],
        "control": CONTROL,
        "primary": "ctr",
        "state": "running",
        "outcome_s": outcome_s,
    }
    return {
        AB: common | {"design": "ab", "slice": [0, 60]},
        MIXED: common | {"design": "interleaved", "slice": [60, 100]},
    }


async def _publish(store_url: str, population: Population, noise: float) -> None:
    store = open_store(store_url)
    try:
        lists = {CONTROL: population.popular(_N_LISTED), BETTER: population.lists(noise, _N_LISTED)}
        for name, of_users in lists.items():
            listed = {
                user_id: [ListedItem(item_id, float(-at)) for at, item_id in enumerate(items)]
                for user_id, items in of_users.items()
            }
            users = list(listed)
            for first in range(0, len(users), _AT_ONCE):
                some = {user_id: listed[user_id] for user_id in users[first : first + _AT_ONCE]}
                await store.put_batch_lists(name, 1, some)
            await store.publish_batch(Batch(name, 1, len(listed), time.time()))
    finally:
        await store.aclose()


def show(loop: Loop, title: str) -> None:
    """Print the table of a run."""
    console = Console()
    table = Table("experiment", "variant", "users", "exposures", "clicks", "ctr", "preferred by", title=title)
    for name, one in loop.counts.items():
        for variant, counts in one.variants.items():
            ctr = f"{counts.means['ctr']:.3f}"
            row = (counts.users, counts.exposures, counts.clicks)
            table.add_row(name, variant, *map(str, row), ctr, str(one.wins or ""))
    console.print(table)
    console.print(f"verdicts: {loop.verdicts}; exposures when they were first so: {loop.n_for_decision}")
    console.print(
        f"{loop.n_visits} visits in {loop.took_s:.0f} s; {loop.n_lost} lists lost, {loop.n_unseen} written"
        f" down and never seen; {loop.n_late} visits after their user's outcome"
    )
    console.print("\n".join(loop.differences) or "All counts are what the visits make them")


def main(
    json_path: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    users: Annotated[int, typer.Option(min=100)] = 1000,
    seed: int = 1,
    wait_s: Annotated[float, typer.Option(min=0, help="STREAMREC_EXPOSURES_WAIT_S of the system.")] = 5.0,
    undisturbed: Annotated[bool, typer.Option(help="A second run, in which nothing is killed.")] = True,
) -> None:
    """Run the loop with kills, then without, and print both."""
    rules = Rules(users, seed, exposures_wait_s=wait_s)
    runs = {"killed": run(rules)}
    show(runs["killed"], "Recommender, attribution and trainer killed")
    if undisturbed:
        runs["undisturbed"] = run(rules, killed=())
        show(runs["undisturbed"], "Nothing killed")
        is_same = runs["killed"].visits == runs["undisturbed"].visits
        print("The visits of both runs are the same" if is_same else "The visits of both runs differ")
    for one in runs.values():
        one.visits = []
    results_file.write(json_path, runs)
    if any(one.differences for one in runs.values()):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
