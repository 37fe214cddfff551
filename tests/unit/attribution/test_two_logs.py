"""Two topics read beside each other, and the time up to which both were read."""

from typing import Any

import pytest

from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.attribution.two_logs import TwoLogs
from streamrec.errors import Unavailable
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, Message


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    def __init__(self) -> None:
        self.clock, self.stopwatch = Clock(), Clock()
        self.log = MemoryEventLog(self.clock)
        self.sink = MemoryEventSink(self.log)
        self.lists: Any = MemoryEventSource(self.log, [IMPRESSIONS], "g")
        self.events = MemoryEventSource(self.log, [COMMANDS, INTERACTIONS], "g")
        self.logs = TwoLogs(self.events, self.lists, self.clock, self.stopwatch, 10.0)

    def append(self, topic: str, *times: float) -> None:
        for at in times:
            self.clock.now = at
            self.sink.append(topic, [Message("key", b"value")])

    def read(self, n: int) -> list[tuple[str, float]]:
        return [(record.topic, record.timestamp) for record in self.logs.poll(n, 0.0)]


@pytest.fixture
def world() -> World:
    return World()


def test_the_one_that_is_behind_is_read_first(world: World) -> None:
    world.append(INTERACTIONS, *(1000.0 + n for n in range(0, 100, 10)))
    world.append(IMPRESSIONS, *(1000.0 + n for n in range(0, 1000, 20)))
    world.clock.now = 3000.0
    times = {INTERACTIONS: 0.0, IMPRESSIONS: 0.0}
    n_read = 0
    while records := world.read(4):
        n_read += len(records)
        times |= dict(records)
        world.logs.read_to()
        if 0.0 < times[INTERACTIONS] < 1090.0:
            assert abs(times[INTERACTIONS] - times[IMPRESSIONS]) <= 100.0  # a batch and the lead
    assert n_read == 60


def test_what_was_read_is_known_by_the_slower_one(world: World) -> None:
    world.append(IMPRESSIONS, 1000.0, 1010.0, 1200.0)
    world.append(INTERACTIONS, 1005.0)
    world.clock.now = world.stopwatch.now = 2000.0
    assert world.logs.read_to() == float("-inf")
    assert world.read(2) == [(IMPRESSIONS, 1000.0), (IMPRESSIONS, 1010.0)]
    assert world.logs.read_to() == float("-inf")  # of the events nothing was read
    assert world.read(1) == [(INTERACTIONS, 1005.0)]
    assert world.logs.read_to() == 1005.0
    world.read(10)
    assert world.logs.read_to() == 1200.0
    world.stopwatch.now += 7.0
    assert world.logs.read_to() == 1207.0


def test_times_are_bounded_by_our_clock_and_go_on_by_the_stopwatch(world: World) -> None:
    world.append(IMPRESSIONS, 5e9)
    world.clock.now = 1500.0
    world.read(10)
    assert world.logs.read_to() == 1500.0
    world.clock.now = 9e9  # somebody sets it
    world.stopwatch.now += 1.0
    assert world.logs.read_to() == 1501.0


def test_one_clock_that_is_behind_keeps_nothing_from_settling(world: World) -> None:
    world.append(IMPRESSIONS, 5000.0)
    world.clock.now = 5000.0
    world.read(10)
    for _ in range(12):
        world.stopwatch.now += 1.0
        world.append(INTERACTIONS, 1400.0 + world.stopwatch.now - 1000.0)
        world.clock.now = 5000.0 + world.stopwatch.now - 1000.0
        world.read(10)
    assert world.logs.read_to() == 5012.0
    world.append(INTERACTIONS, 5012.5)
    world.read(10)
    assert world.logs.read_to() == 5012.5


def test_a_clock_that_is_alone_is_followed_though_it_was_set_back(world: World) -> None:
    world.append(IMPRESSIONS, 5000.0)
    world.clock.now = 5000.0
    world.read(10)
    world.stopwatch.now += 31.0
    world.append(INTERACTIONS, 1431.0)
    world.clock.now = 5031.0
    world.read(10)
    assert world.logs.read_to() == 1431.0


def test_nothing_is_known_while_the_log_does_not_answer(world: World) -> None:
    def fail() -> Any:
        raise Unavailable("away")

    world.lists.end_offsets = fail
    assert world.logs.read_to() is None


def test_both_are_one_source(world: World) -> None:
    world.append(IMPRESSIONS, 1.0, 2.0)
    world.append(INTERACTIONS, 1.5)
    world.append(COMMANDS, 3.0)
    assert len(world.read(10)) == 4
    offsets = {COMMANDS: {0: 1}, INTERACTIONS: {0: 1}, IMPRESSIONS: {0: 2}}
    assert world.logs.next_offsets() == world.logs.end_offsets() == offsets
    world.logs.commit(offsets)
    assert world.logs.committed() == offsets
    world.logs.seek({IMPRESSIONS: {0: 1}})
    assert len(world.read(10)) == 3
    assert world.logs.identity_of(IMPRESSIONS) == world.log.identity
    world.logs.close()
