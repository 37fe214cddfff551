"""A trainer whose checkpoints another process writes."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamrec.adapters.memory.store import MemoryStore
from streamrec.errors import LeaseLost, Unavailable, UnsoundModel
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import INTERACTIONS, Lease, Offsets, UserUpdates
from tests.builders import GENERATION, RunningTrainer, World, events

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is forked off")

OFTEN: dict[str, Any] = {"checkpoint_interval_s": 0.5}
SELDOM: dict[str, Any] = {"checkpoint_interval_s": 1e9}


class HeldUp(Checkpoints):
    """Writes beside the loop once it may."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, GENERATION, most_at_once=0)
        self.permit = folder / "may write"

    def _write(self, name: tuple[int, int], state: TrainerState, next_offsets: Offsets) -> None:
        deadline = time.monotonic() + 60.0
        while not self.permit.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        super()._write(name, state, next_offsets)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.checkpoints = Checkpoints(tmp_path, GENERATION, most_at_once=0)
    return world


@pytest.fixture
def held_up(world: World) -> HeldUp:
    world.checkpoints = held_up = HeldUp(world.folder)
    return held_up


def eventually(trainer: RunningTrainer, is_so: Callable[[], bool]) -> None:
    """Let the loop go round until something is so."""
    deadline = time.monotonic() + 60.0
    while not is_so() and time.monotonic() < deadline:
        trainer.loop.step()
        time.sleep(0.01)
    assert is_so()


def has_committed(trainer: RunningTrainer, n_events: int) -> Callable[[], bool]:
    return lambda: trainer.source.committed().get(INTERACTIONS) == {0: n_events}


def test_a_restart_goes_on_from_what_another_process_wrote(world: World, held_up: HeldUp) -> None:
    first = world.trainer(**OFTEN, max_batch=10)
    world.send(*events(*[(f"u{n % 3}", f"i{n % 9}") for n in range(10)]))
    first.step()
    tensors = {name: tensor.clone() for name, tensor in first.state.learner.state_tensors().items()}
    assert first.source.committed() == {}
    world.send(*events(*[(f"u{n % 5}", f"i{n % 7}") for n in range(10)]))
    first.loop.step()
    held_up.permit.touch()
    eventually(first, has_committed(first, 10))
    assert first.state.counters.n_events == 20
    second = world.trainer("two", is_restored=True)
    assert second.state.counters.n_events == 10
    for name, tensor in second.state.learner.state_tensors().items():
        assert tensor.equal(tensors[name]), name
    second.finish()
    assert second.state.counters.n_events == 20


def test_a_damaged_model_is_told_and_not_put_in_place(world: World) -> None:
    trainer = world.trainer(**OFTEN)
    world.send(*events(("u", "a")))
    trainer.step()
    eventually(trainer, has_committed(trainer, 1))
    trainer.state.learner.model.items.rows[0, 0] = float("nan")
    trainer.world.clock.now += 1.0
    trainer.loop._checkpointing._checkpointed = None
    with pytest.raises(UnsoundModel, match="item row 0"):
        eventually(trainer, lambda: False)
    assert world.trainer("two", is_restored=True).state.counters.n_events == 1


class FullOnce(Checkpoints):
    """Finds the disk full once."""

    def _write(self, name: tuple[int, int], state: TrainerState, next_offsets: Offsets) -> None:
        if name[1] == 0 and next_offsets[INTERACTIONS] == {0: 1}:
            raise Unavailable("no space left on device")
        super()._write(name, state, next_offsets)


def test_a_full_disk_does_not_stop_the_learning(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.checkpoints = FullOnce(tmp_path, GENERATION, most_at_once=0)
    trainer = world.trainer(**OFTEN)
    world.send(*events(("u", "a")))
    trainer.step()
    eventually(trainer, lambda: not trainer.loop._checkpointing.is_under_way)
    assert trainer.source.committed() == {}
    world.send(*events(("u", "b")))
    trainer.step()
    eventually(trainer, has_committed(trainer, 2))


class WaitingStore(MemoryStore):
    """Publishes users only once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_publish = threading.Event()

    def publish_users(self, updates: UserUpdates, lease: Lease) -> None:
        assert self.may_publish.wait(60.0)
        super().publish_users(updates, lease)


def test_what_counts_as_published_is_out_before_a_checkpoint_is_in_place(world: World) -> None:
    world.store = store = WaitingStore()
    trainer = world.trainer(**OFTEN)
    world.send(*events(("u", "a")))
    world.clock.now += 1.0
    trainer.loop.step()
    under_way = trainer.loop._checkpointing._under_way
    assert under_way is not None
    deadline = time.monotonic() + 60.0
    while not under_way._checkpoint.is_written() and time.monotonic() < deadline:  # type: ignore[attr-defined]
        time.sleep(0.01)
    trainer.loop.step()
    assert trainer.source.committed() == {}
    store.may_publish.set()
    eventually(trainer, has_committed(trainer, 1))


def test_stopping_ends_what_is_under_way_and_writes_all(world: World, held_up: HeldUp) -> None:
    trainer = world.trainer(**OFTEN)
    world.send(*events(("u", "a")))
    trainer.step()
    assert trainer.loop._checkpointing.is_under_way
    world.send(*events(("u", "b")))
    held_up.permit.touch()
    trainer.finish()
    assert trainer.source.committed()[INTERACTIONS] == {0: 2}
    assert world.trainer("two", is_restored=True).state.counters.n_events == 2
    assert not list((world.folder / "checkpoints" / GENERATION).glob("*.unfinished"))


def test_whoever_lost_the_lease_puts_nothing_in_place(world: World, held_up: HeldUp) -> None:
    first = world.trainer(**OFTEN)
    world.send(*events(("u", "a")))
    first.step()
    assert first.loop._checkpointing.is_under_way
    held_up.permit.touch()
    world.clock.now += 60
    second = world.trainer("two", **SELDOM)
    with pytest.raises(LeaseLost):
        eventually(first, lambda: False)
    assert first.source.committed() == {}
    first.loop._checkpointing.end()
    second.finish()
    assert world.trainer("three", is_restored=True).state.counters.n_events == 1
