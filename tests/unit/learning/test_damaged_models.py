"""A model whose rows are damaged while it streams, or on disk."""

import asyncio
import gc
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from structlog.testing import capture_logs

from models.bounds import BIAS, ITEM_NORM, USER_NORM, flaw_of
from models.checkpoint import checkpoint_folders, write_checkpoint
from streamrec.adapters.memory.events import MemoryEventSource
from streamrec.domain.generations.roles import Roles
from streamrec.errors import CorruptArtifact, UnsoundModel
from streamrec.learning.reverts import Reverts
from streamrec.learning.state.stored_state import to_checkpoint
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import COMMANDS, INTERACTIONS, Lease, Record
from streamrec.process.stop import StopRequest
from streamrec.publishing.publisher import Sinks
from streamrec.publishing.views import item_vectors, user_states
from streamrec.settings.processes import TrainerSettings
from streamrec.telemetry import NullMetrics
from streamrec.trainer.run import run_trainer
from streamrec.trainer.trainer_process import TrainerProcess
from tests.builders import GENERATION, LEARNING, RunningTrainer, World, events

N_EVENTS = 600

DAMAGES = {
    "user nan": ("users", 0, math.nan),
    "user far": ("users", 0, 1e12),
    "user a little too far": ("users", 0, 2 * USER_NORM),
    "item nan": ("items", 0, math.nan),
    "item infinite": ("items", 0, -math.inf),
    "item far": ("items", 0, 1e12),
    "item a little too far": ("items", 0, 2 * ITEM_NORM),
    "bias far": ("items", -1, 1e9),
    "bias a little too far": ("items", -1, -2 * BIAS),
}


def stream(n: int = N_EVENTS) -> list[tuple[str, str]]:
    random = np.random.default_rng(4)
    users, items = random.integers(0, 20, n).tolist(), random.integers(0, 30, n).tolist()
    return [(f"u{user}", f"i{item}") for user, item in zip(users, items, strict=True)]


def damage(state: TrainerState, kind: str) -> None:
    table, column, value = DAMAGES[kind]
    getattr(state.learner.model, table).rows[3, column] = value


def everything_published_is_sound(world: World) -> bool:
    documents = asyncio.run(world.store.get_users([f"u{user}" for user in range(20)])).values()
    states = [found.state for found in documents if found.state is not None]
    users = [np.frombuffer(state.vector, "<f4") for state in states if state.vector is not None]
    vectors = [record.vector for record in world.published_vectors().values()]
    items = [np.frombuffer(vector, "<f4") for vector in vectors if vector is not None]
    assert users
    return bool(
        all(np.linalg.norm(vector) <= 2 * (USER_NORM + ITEM_NORM) + 1 for vector in users)
        and all(np.linalg.norm(vector[:-1]) <= 1.01 * ITEM_NORM for vector in items)
        and all(abs(vector[-1]) <= 1.01 * BIAS for vector in items)
    )


def checkpoints_are_sound(world: World) -> bool:
    opened, _ = world.checkpoints.open_newest(LEARNING, TrainerSettings())
    return flaw_of(opened.learner.model.tensors()) is None


@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if "little" not in kind])
def test_a_row_damaged_between_steps_goes_nowhere(tmp_path: Path, kind: str) -> None:
    world = World(tmp_path)
    world.send(*events(*stream()))
    trainer = world.trainer(max_batch=100, checkpoint_interval_s=1e9)
    for _ in range(3):
        trainer.loop.step()
    trainer.loop.checkpoint()
    damage(trainer.state, kind)
    trainer.state.dirty_items.mark(np.arange(30), 0.0)
    with pytest.raises(UnsoundModel):
        step_to_the_end(world, trainer)
    trainer.publisher.close()
    assert everything_published_is_sound(world)
    assert checkpoints_are_sound(world)
    # What comes next goes on from the checkpoint, and ends where one that was never damaged does.
    world.clock.now += 100
    restarted = world.trainer("two", is_restored=True, max_batch=100)
    restarted.finish()
    untouched = World(tmp_path / "other")
    untouched.send(*events(*stream()))
    straight = untouched.trainer(max_batch=100)
    straight.finish()
    for name, tensor in straight.state.learner.model.tensors().items():
        assert torch.equal(tensor, restarted.state.learner.model.tensors()[name]), name
    assert everything_published_is_sound(world)


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_row_beyond_its_bound_is_not_published(tmp_path: Path, kind: str) -> None:
    world = World(tmp_path)
    world.send(*events(*stream(100)))
    trainer = world.trainer()
    trainer.step()
    world.clock.now += 10
    damage(trainer.state, kind)
    row = np.array([3])
    publish = {
        "users": lambda: user_states(trainer.state, row),
        "items": lambda: item_vectors(trainer.state, row),
    }[DAMAGES[kind][0]]
    with pytest.raises(UnsoundModel):
        publish()
    with pytest.raises(UnsoundModel):
        world.checkpoints.write(trainer.state, {}, token=1)
    trainer.publisher.close()


def step_to_the_end(world: World, trainer: RunningTrainer) -> None:
    while trainer.loop.step():
        world.clock.now += 1
    trainer.loop.checkpoint()


@pytest.mark.parametrize("kind", ["user nan", "item far", "bias a little too far"])
def test_a_checkpoint_with_damaged_rows_is_passed_over(tmp_path: Path, kind: str) -> None:
    world = World(tmp_path)
    world.send(*events(*stream()))
    trainer = world.trainer(max_batch=100)
    for _ in range(3):
        trainer.loop.step()
    trainer.loop.checkpoint()
    (good,) = checkpoint_folders(tmp_path / "checkpoints" / GENERATION)
    sound_place = json.loads((good / "state.json").read_bytes())["next_offsets"]
    damage(trainer.state, kind)
    with pytest.raises(UnsoundModel):
        world.checkpoints.write(trainer.state, {INTERACTIONS: {0: 400}}, token=1)
    # What a version that looked at nothing wrote: three of them, newer than the sound one.
    for number in (7, 8):
        write_checkpoint(good.parent, (5000, number), to_checkpoint(trainer.state, {INTERACTIONS: {0: 400}}))
    with capture_logs() as said:
        opened, place = world.checkpoints.open_newest(LEARNING, TrainerSettings())
    assert {topic: {str(p): o for p, o in by.items()} for topic, by in place.items()} == sound_place
    assert flaw_of(opened.learner.model.tensors()) is None
    assert [line["event"] for line in said] == ["checkpoint_refused"] * 2
    # The next one is the newest, whatever was damaged before.
    world.checkpoints.write(opened, {INTERACTIONS: {0: 500}}, token=1)
    assert world.checkpoints.open_newest(LEARNING, TrainerSettings())[1] == {INTERACTIONS: {0: 500}}


def test_without_a_sound_checkpoint_the_error_is_plain(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.send(*events(*stream(50)))
    trainer = world.trainer()
    trainer.loop.step()
    damage(trainer.state, "item nan")
    write_checkpoint(
        tmp_path / "checkpoints" / GENERATION, (1, 1), to_checkpoint(trainer.state, {INTERACTIONS: {0: 50}})
    )
    with pytest.raises(CorruptArtifact, match="no readable checkpoint"):
        world.checkpoints.open_newest(LEARNING, TrainerSettings())


class Generation:
    """One that is live."""

    def read(self) -> Roles:
        return Roles(GENERATION)

    def claim(self, lease: Lease) -> None:
        """Nobody else writes it."""


class DamagingSource(MemoryEventSource):
    """A reader that damages the trainer's state before some of its polls, as a faulty memory would."""

    n_polls = 0
    damaged_at: frozenset[int] = frozenset()
    stop: StopRequest

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        DamagingSource.n_polls += 1
        if DamagingSource.n_polls in self.damaged_at:
            gc.unfreeze()  # else what a trainer leaves out of the collection is not found
            for found in gc.get_objects():
                if type(found) is TrainerState and found.learner.model.items.n_rows:
                    damage(found, "item nan")
        records = super().poll(max_records, timeout_s)
        if not records:
            self.stop.is_stopping.set()
        return records


class Counts(NullMetrics):
    """Counters by name."""

    def __init__(self) -> None:
        self.counted: dict[str, int] = {}

    def count(self, name: str, n: int = 1) -> None:
        self.counted[name] = self.counted.get(name, 0) + n


def process_over(world: World, damaged_at: frozenset[int], metrics: Counts) -> TrainerProcess:
    stop = StopRequest()
    DamagingSource.n_polls, DamagingSource.damaged_at, DamagingSource.stop = 0, damaged_at, stop
    return TrainerProcess(
        open_source=lambda group: DamagingSource(world.log, [COMMANDS, INTERACTIONS], group),
        sinks=Sinks(world.sink, world.sink, world.store, world.cache),
        metrics=metrics,
        artifacts_dir=world.folder,
        roles=Generation(),  # type: ignore[arg-type]  # nothing is promoted
        learning=LEARNING,
        settings=TrainerSettings(max_batch=50, lease_duration_s=30.0),
        start="checkpoint",
        stop=stop,
        clock=world.clock,
    )


def test_the_trainer_goes_back_and_learns_on_in_smaller_steps(tmp_path: Path) -> None:
    world, metrics = World(tmp_path), Counts()
    world.send(*events(("u0", "i0")))
    world.trainer("before").finish()
    world.clock.now += 100
    world.send(*events(*stream()))
    process = process_over(world, frozenset({4, 12}), metrics)
    with capture_logs() as said:
        run_trainer(process)
    assert metrics.counted["trainer.model_reverts"] == process.reverts.n == 2
    assert [line["pace"] for line in said if line["event"] == "model_reverted"] == [0.5, 0.25]
    assert everything_published_is_sound(world)
    opened, place = world.checkpoints.open_newest(LEARNING, TrainerSettings())
    assert place[INTERACTIONS] == {0: N_EVENTS + 1}
    assert flaw_of(opened.learner.model.tensors()) is None
    assert opened.counters.n_learned == N_EVENTS + 1


def test_a_model_that_is_damaged_again_and_again_ends_in_a_clear_error(tmp_path: Path) -> None:
    world, metrics = World(tmp_path), Counts()
    world.send(*events(("u0", "i0")))
    world.trainer("before").finish()
    world.clock.now += 100
    world.send(*events(*stream()))
    process = process_over(world, frozenset(range(1000)), metrics)
    with pytest.raises(UnsoundModel, match="5 times in a row.*initial_training.py"):
        run_trainer(process)
    assert metrics.counted["trainer.model_reverts"] == 5
    assert checkpoints_are_sound(world)


def test_a_sound_checkpoint_in_between_begins_the_count_anew() -> None:
    reverts, metrics = Reverts(), Counts()
    for _ in range(12):
        reverts.note(UnsoundModel("x"), metrics)
        reverts.settle()
    assert reverts.n == 12
    assert reverts.pace == 1 / 32
