"""Visits of a population to a running system, and reports that are read meanwhile."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.experiments.ledger import Expected, Visit, event_id
from benchmarks.experiments.population import Population
from benchmarks.experiments.running_system import RunningSystem
from streamrec.cli.screen import progress_bar

K = 10
_N_THREADS = 4
_LOOK_EVERY = 50
"""Users between two looks at the reports."""


class Decisions:
    """Reports as they are read now and then.

    Attributes
    ----------
    last
        Experiment -> its newest results.
    n_exposures
        Experiment -> exposures at the first look at which a variant was to be shipped; None: at none yet.
    """

    def __init__(self, system: RunningSystem, names: Sequence[str]) -> None:
        self._system = system
        self.last: dict[str, Mapping[str, Any]] = {}
        self.n_exposures: dict[str, int | None] = dict.fromkeys(names)

    def look(self) -> None:
        """Read the reports."""
        for name in self.n_exposures:
            results = self._system.patiently("GET", f"/v1/experiments/{name}")["results"]
            if results is None:
                continue
            self.last[name] = results
            verdict = results["verdict"]
            if self.n_exposures[name] is None and verdict["decision"] == "ship":
                self.n_exposures[name] = results["exposures"]

    def are_complete(self, wanted: Mapping[str, Expected]) -> bool:
        """Return whether every user's outcome is counted, those who only tried it included."""
        self.look()
        return wanted.keys() <= self.last.keys() and all(
            sum(variant["metrics"]["ctr"]["n"] for variant in self.last[name]["variants"])
            >= sum(counts.users for counts in one.variants.values())
            for name, one in wanted.items()
        )


def visited(
    system: RunningSystem, population: Population, killed: tuple[str, ...], reading: Decisions
) -> list[Visit]:
    """Let all users come, some at a time, and kill parts meanwhile; return their visits."""
    done = threading.Semaphore(0)
    n_users = len(population.user_ids)
    kill_after = {n_users * (number + 1) // (len(killed) + 1): part for number, part in enumerate(killed)}

    def come(user_id: str) -> list[Visit]:
        try:
            return list(_visits_of(system, population, user_id))
        finally:
            done.release()

    with (
        ThreadPoolExecutor(_N_THREADS) as pool,
        progress_bar("Users who came", n_users) as show,
    ):
        coming = [pool.submit(come, user_id) for user_id in population.user_ids]
        for n_done in range(1, n_users + 1):
            done.acquire()
            show(n_done)
            if n_done in kill_after:
                system.kill(kill_after[n_done])
            if n_done % _LOOK_EVERY == 0:
                reading.look()
        return [visit for one in coming for visit in one.result()]


def _visits_of(system: RunningSystem, population: Population, user_id: str) -> Iterator[Visit]:
    """Yield the visits of one user; each click is acknowledged before the next visit."""
    for number in range(population.n_visits(user_id)):
        request_id = f"{user_id}-{number}"
        # A recommender that has just started, or was just told, may not know the experiments yet. It
        # writes no list down then.
        while not (answer := system.recommended(user_id, request_id, K)).get("experiments"):
            time.sleep(0.05)
        items = tuple(item["item_id"] for item in answer["items"])
        teams = tuple(item["team"] for item in answer["items"] if item.get("team"))
        chosen = population.chosen(user_id, number, items)
        events = [
            {
                "user_id": user_id,
                "item_id": items[at],
                "type": kind,
                "request_id": request_id,
                "event_id": event_id(request_id, at, kind),
            }
            for kind, positions in (("click", chosen.clicked), ("purchase", chosen.bought))
            for at in positions
        ]
        if events:
            system.patiently("POST", "/v1/events", events)
        (experiment, variant), *_ = answer["experiments"].items()
        yield Visit(user_id, request_id, experiment, variant, items, teams, chosen)
        if population.leaves(user_id, number, chosen):
            return
