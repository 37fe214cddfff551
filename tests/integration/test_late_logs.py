"""A log that can't be opened yet, as a file that a stopped process holds, is waited for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from streamrec.adapters.memory.events import MemoryEventSource
from streamrec.attribution.run import run_attribution
from streamrec.bars.run import run_bars
from streamrec.errors import Unavailable
from streamrec.ports import COMMANDS, INTERACTIONS
from tests.attribution_world import AttributionWorld
from tests.bars_world import BarsWorld, tick
from tests.two_generations import OLD, TwoGenerations, eventually


def late(opened: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what opens a log at the third try."""
    failures = [Unavailable("database is locked"), Unavailable("database is locked")]

    def open_late(group: str) -> Any:
        if failures:
            raise failures.pop()
        return opened(group)

    return open_late


def never(_group: str) -> Any:
    raise Unavailable("database is locked")


def test_a_trainer_waits(tmp_path: Path) -> None:
    two = TwoGenerations(tmp_path)
    opened = late(lambda group: MemoryEventSource(two.log, [COMMANDS, INTERACTIONS], group))
    trainer = two.start("champion", "one", open_source=opened)
    eventually(lambda: trainer.is_at("champion", OLD))
    trainer.end()


def test_a_trainer_that_waits_ends_when_it_is_told_to(tmp_path: Path) -> None:
    TwoGenerations(tmp_path).start("champion", "one", open_source=never).end()


def test_a_keeper_of_bars_waits(tmp_path: Path) -> None:
    world = BarsWorld(tmp_path)
    world.send(tick("a", 60, 1))
    process = world.process(n_polls=1)
    run_bars(replace(process, open_source=late(process.open_source)))
    assert world.bars("a") is not None


def test_the_attribution_waits(tmp_path: Path) -> None:
    world = AttributionWorld(tmp_path)
    process = world.process(n_polls=3)
    opened: list[str] = []

    def open_logs(group: str) -> Any:
        opened.append(group)
        return process.open_logs(group)

    run_attribution(replace(process, open_logs=late(open_logs)))
    assert opened


@pytest.mark.parametrize("of", [BarsWorld, AttributionWorld])
def test_whoever_waits_ends_when_told_to(of: Any, tmp_path: Path) -> None:
    process = of(tmp_path).process(n_polls=1)
    Timer(0.2, process.stop.is_stopping.set).start()
    if of is BarsWorld:
        run_bars(replace(process, open_source=never))
    else:
        run_attribution(replace(process, open_logs=never))
