"""A keeper of histories over logs and stores in memory: what it publishes, also after a crash."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.bars.context import CHECKPOINT_FILE
from streamrec.bars.run import run_bars
from streamrec.domain.bars.bar import Bar, BarsUpdate
from streamrec.errors import CorruptArtifact, Unavailable
from streamrec.ports import INTERACTIONS
from streamrec.telemetry import NullMetrics
from tests.bars_world import BarsWorld, tick


@pytest.fixture
def world(tmp_path: Path) -> BarsWorld:
    return BarsWorld(tmp_path)


def random_ticks(n: int) -> list[dict[str, Any]]:
    chance = np.random.default_rng(3)
    return [
        tick(f"i{item}", 1e6 + number - float(late), str(value), event_id=f"e{number % (n - 50)}")
        for number, (item, late, value) in enumerate(
            zip(chance.integers(0, 9, n), chance.integers(0, 90, n), chance.integers(0, 30, n), strict=True)
        )
    ]


def test_changed_minutes_are_published(world: BarsWorld) -> None:
    world.send(tick("a", 61, "3"), tick("a", 59, 1), tick("b", 61, -2), b"no json", tick("c", 61, None))
    world.run()
    assert world.bars("a") == [Bar(0, 1.0, 1.0, 1.0, 1.0, 1, 1.0), Bar(60, 3.0, 3.0, 3.0, 3.0, 1, 3.0)]
    assert world.bars("b") == [Bar(60, -2.0, -2.0, -2.0, -2.0, 1, -2.0)]
    assert world.bars("c") is None
    assert world.log.committed["history", INTERACTIONS] == 5


def test_a_restart_goes_on(world: BarsWorld) -> None:
    world.send(tick("a", 60, 1, event_id="x"))
    world.run()
    world.send(tick("a", 60, 1, event_id="x"), tick("a", 70, 5))
    world.run()
    assert world.bars("a") == [Bar(60, 1.0, 5.0, 1.0, 5.0, 2, 6.0)]


class _Crash(Exception):
    """The end of the process, without its leave."""


class CrashingMetrics(NullMetrics):
    """Ends the process at the n-th figure: between any two steps."""

    def __init__(self, n_figures: int) -> None:
        self._n_left = n_figures

    def count(self, name: str, n: int = 1) -> None:
        self._fall()

    def timing(self, name: str, duration_ms: float) -> None:
        self._fall()

    def _fall(self) -> None:
        self._n_left -= 1
        if not self._n_left:
            raise _Crash


@pytest.mark.parametrize("n_figures", [1, 2, 3, 4, 5, 6, 7, 9, 14, 22, 37, 61, 90, 140])
def test_a_crash_at_any_step_loses_nothing_and_counts_nothing_twice(tmp_path: Path, n_figures: int) -> None:
    steady, crashing = BarsWorld(tmp_path / "steady"), BarsWorld(tmp_path / "crashing")
    events = random_ticks(400)
    steady.send(*events)
    steady.run(n_polls=3)
    crashing.send(*events[:300])
    crashing.metrics = CrashingMetrics(n_figures)
    with pytest.raises(_Crash):
        crashing.run(n_polls=1000, max_batch=16, checkpoint_interval_s=0.02, publish_interval_s=0.01)
    crashing.metrics = NullMetrics()
    crashing.send(*events[300:])
    crashing.run(n_polls=3)
    names = [f"i{item}" for item in range(9)]
    assert [crashing.bars(name) for name in names] == [steady.bars(name) for name in names]
    assert all(steady.bars(name) for name in names)


class FailingPublisher:
    """A cache that is away for a while."""

    def __init__(self, world: BarsWorld, n_failures: int) -> None:
        self._cache = world.cache
        self._n_left = n_failures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def publish_bars(self, update: BarsUpdate) -> None:
        self._n_left -= 1
        if self._n_left >= 0:
            raise Unavailable("away")
        self._cache.publish_bars(update)


def test_a_cache_that_is_away_gets_what_it_missed(world: BarsWorld) -> None:
    world.publisher = FailingPublisher(world, 3)
    world.send(*(tick(f"i{number}", 60 + number, 1) for number in range(40)))
    world.run(n_polls=50, max_batch=5, publish_interval_s=0.001)
    assert all(world.bars(f"i{number}") for number in range(40))


def test_a_cache_that_stays_away_ends_nothing(world: BarsWorld) -> None:
    world.publisher = FailingPublisher(world, 10**9)
    world.send(tick("a", 60, 1))
    world.run(n_polls=5)
    assert world.bars("a") is None
    world.publisher = world.cache
    world.run()
    assert world.bars("a") is not None


def test_an_emptied_cache_is_filled_again(world: BarsWorld) -> None:
    world.send(tick("a", 60, 1))
    process = world.process(n_polls=60, publish_interval_s=0.001, refresh_interval_s=0.05)
    emptied = [False]

    def clock() -> float:
        if world.bars("a") and not emptied[0]:
            world.cache._histories.clear()
            emptied[0] = True
        return BarsWorld.clock(world)

    run_bars(type(process)(**{**vars(process), "clock": clock}))
    assert emptied == [True]
    assert world.bars("a") == [Bar(60, 1.0, 1.0, 1.0, 1.0, 1, 1.0)]


def test_the_evicted_leave_the_cache(world: BarsWorld) -> None:
    world.send(*(tick(f"i{number}", 60, 1) for number in range(7)))
    world.run(n_polls=10, max_items=3, max_batch=2, publish_interval_s=0.001)
    known = [name for name in (f"i{number}" for number in range(7)) if world.bars(name)]
    assert known == ["i4", "i5", "i6"]
    world.send(*(tick(f"i{number}", 61, 2) for number in range(7)))
    world.run(max_items=3)  # all at once, more than there is room for
    assert [name for name in (f"i{number}" for number in range(7)) if world.bars(name)] == known


def test_a_log_that_was_replaced_is_read_from_its_beginning(world: BarsWorld) -> None:
    world.send(tick("a", 60, 1), tick("a", 61, 2))
    world.run()
    world.log = MemoryEventLog()
    world.sink = MemoryEventSink(world.log)
    world.send(tick("a", 62, 7))
    world.run()
    assert world.bars("a") == [Bar(60, 7.0, 7.0, 7.0, 7.0, 1, 7.0)]
    assert world.log.committed["history", INTERACTIONS] == 1


def test_a_crash_after_a_log_was_replaced_does_not_meet_the_old_offsets_again(world: BarsWorld) -> None:
    world.send(tick("a", 60, 1), tick("b", 61, 2))
    world.run()
    world.log = MemoryEventLog()
    world.sink = MemoryEventSink(world.log)
    world.send(tick("a", 62, 7))
    world.metrics = CrashingMetrics(1)
    with pytest.raises(_Crash):
        world.run()
    world.metrics = NullMetrics()
    world.send(tick("a", 63, 8), tick("a", 64, 9))
    world.run()
    assert world.bars("a") == [Bar(60, 7.0, 9.0, 7.0, 9.0, 3, 24.0)]
    assert world.bars("b") is None  # of the old log


def test_another_holder_of_the_lease_is_waited_for(world: BarsWorld) -> None:
    held = world.store.acquire("history", "another", 0.5, world.now)
    assert held is not None
    world.send(tick("a", 60, 1))
    process = world.process(n_polls=1, lease_duration_s=0.01)
    states = []

    def clock() -> float:
        states.append(process.status.state)
        world.now += 0.1
        return world.now

    run_bars(type(process)(**{**vars(process), "clock": clock}))
    assert world.bars("a") is not None
    assert {"starting", "standing by", "following"} == set(states)


def test_a_lost_lease_ends_the_writing_and_is_won_back(world: BarsWorld) -> None:
    world.send(tick("a", 60, 1))
    process = world.process(n_polls=40, lease_duration_s=0.02, publish_interval_s=0.001)
    n_looks = [0]

    def clock() -> float:
        n_looks[0] += 1
        if n_looks[0] == 20:
            world.now += 1.0  # asleep for longer than the lease lasts
            world.store.acquire("history", "another", 0.01, world.now)
        return BarsWorld.clock(world)

    run_bars(type(process)(**{**vars(process), "clock": clock}))
    assert world.bars("a") == [Bar(60, 1.0, 1.0, 1.0, 1.0, 1, 1.0)]
    assert world.log.committed["history", INTERACTIONS] == 1


def test_a_damaged_checkpoint_is_for_a_person(world: BarsWorld, tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"no archive")
    with pytest.raises(CorruptArtifact, match="delete it"):
        world.run()


def test_of_a_damaged_checkpoint_the_one_before_is_gone_on_from(world: BarsWorld, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        world.send(tick("a", 60 + number, number))
        world.run()
    path = tmp_path / CHECKPOINT_FILE
    for content in (b"no archive", path.read_bytes()[:-7]):
        path.write_bytes(content)
        world.run()
        assert world.bars("a") == [Bar(60, 1.0, 3.0, 1.0, 3.0, 3, 6.0)]
    assert path.with_name(f"{CHECKPOINT_FILE}.damaged").exists()
