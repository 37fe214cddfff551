"""Small data in which groups of users choose within groups of items, and a laboratory's steps over it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lab.dataset.lab_data import EDITORIAL, write_data
from lab.steps.running import Laboratory
from lab.steps.step import Outcome, Step, StepRun
from streamrec.datasets.event_collector import EventCollector
from streamrec.datasets.files.read_report import ReadReport
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from tests.unit.lab.steps.test_running import World

N_USERS, N_ITEMS = 60, 40


def _make_data(run: StepRun) -> Outcome:
    rng = np.random.default_rng(0)
    collector = EventCollector()
    for n in range(3000):
        user = int(rng.integers(0, N_USERS))
        item = int(rng.integers(0, N_ITEMS // 4) + user % 4 * (N_ITEMS // 4))
        type_ = str(rng.choice(["impression", "click", "purchase"], p=[0.2, 0.6, 0.2]))
        collector.add(n, Interaction(f"u{user}", f"i{item}", 1e9 + 60.0 * n, type_))
        if n % 10 == 0:
            collector.add(n, Interaction(f"u{user}", f"article{n % 3}", 1e9 + 60.0 * n, "click"))
    items = [Item(f"i{n}", kind="product", categories=(f"c{n * 4 // N_ITEMS}",)) for n in range(N_ITEMS)]
    items += [Item(f"article{n}", kind="article", attributes={EDITORIAL: True}) for n in range(3)]
    write_data(run.output, replace(collector.finish("data", "", ReadReport()), catalog=tuple(items)))
    return Outcome({})


DATA = Step("make-data", "", output="data", sections=(), run=_make_data)


def run_all(laboratory: Callable[[World], Laboratory], tmp_path_factory: pytest.TempPathFactory) -> World:
    """Run all steps of a laboratory in a folder of its own."""
    world = World(tmp_path_factory.mktemp("lab") / "lab")
    lab = laboratory(world)
    for step in lab.steps:
        lab.run(step)
    return world
