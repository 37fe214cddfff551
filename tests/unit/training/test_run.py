"""The life of a trainer process, as its status tells it."""

from pathlib import Path
from threading import Condition, Thread

import pytest

from streamrec.adapters.memory_events import MemoryEventSource
from streamrec.ports import COMMANDS, INTERACTIONS
from streamrec.settings import TrainerSettings
from streamrec.telemetry import NullMetrics
from streamrec.training.lease import LeaseKeeper
from streamrec.training.publisher import Outlets
from streamrec.training.run import LEASE_NAME, TrainerProcess, run_trainer
from streamrec.training.stop_signals import StopRequest
from tests.builders import GENERATION, LEARNING, World, events


class States:
    """Collects what a status was, and waits until it is a wanted one."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._changed = Condition()

    @property
    def state(self) -> str:
        return self.seen[-1]

    @state.setter
    def state(self, state: str) -> None:
        with self._changed:
            self.seen.append(state)
            self._changed.notify_all()

    def wait_for(self, state: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: state in self.seen, 30), self.seen


class Generation:
    """Which model is live: none at first."""

    name: str | None = None

    def __call__(self) -> str | None:
        return self.name


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.send(*events(("u", "i")))
    world.trainer("before").finish()  # leaves a checkpoint of the generation
    return world


def test_a_trainer_waits_for_a_model_stands_by_and_trains(world: World) -> None:
    states, generation, stop = States(), Generation(), StopRequest()
    process = TrainerProcess(
        source=MemoryEventSource(world.log, [COMMANDS, INTERACTIONS], "trainer"),
        outlets=Outlets(world.sink, world.sink, world.store, world.cache),
        metrics=NullMetrics(),
        artifacts_dir=world.folder,
        current_generation=generation,
        learning=LEARNING,
        settings=TrainerSettings(lease_duration_s=0.3),
        start="checkpoint",
        stop=stop,
        clock=world.clock,
        status=states,  # type: ignore[arg-type]  # it has the one attribute that is written
    )
    other = LeaseKeeper(world.store, LEASE_NAME, "other", 1e6, world.clock)
    assert other.wait(lambda: False, lambda _pause_s: None)
    thread = Thread(target=run_trainer, args=(process,))
    thread.start()
    try:
        states.wait_for("waiting for a model")
        generation.name = GENERATION
        states.wait_for("standing by")
        assert "training" not in states.seen
        other.release()
        states.wait_for("training")
    finally:
        stop.is_stopping.set()
        thread.join(30)
    assert states.seen == ["waiting for a model", "starting", "standing by", "training"]
