"""The life of a trainer process, as its status tells it."""

from dataclasses import replace
from pathlib import Path
from threading import Condition, Thread

import pytest
from structlog.testing import capture_logs

from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.files.snapshots import CURRENT
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.domain.generations.roles import Roles
from streamrec.errors import LogTruncated
from streamrec.ports import COMMANDS, INTERACTIONS, Lease, Record
from streamrec.process.lease import LeaseKeeper
from streamrec.process.stop import StopRequest
from streamrec.promotion.roles import LEASE_NAME
from streamrec.publishing.publisher import Sinks
from streamrec.settings.processes import TrainerSettings
from streamrec.telemetry import NullMetrics
from streamrec.trainer.run import run_trainer
from streamrec.trainer.trainer_process import StartOrElse, TrainerProcess
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

    def read(self) -> Roles:
        return Roles(self.name)

    def claim(self, lease: Lease) -> None:
        """Nobody else writes here."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.send(*events(("u", "i")))
    world.trainer("before").finish()  # leaves a checkpoint of the generation
    return world


def process_over(
    world: World, generation: Generation, stop: StopRequest, states: States, start: StartOrElse = "checkpoint"
) -> TrainerProcess:
    return TrainerProcess(
        open_source=lambda group: MemoryEventSource(world.log, [COMMANDS, INTERACTIONS], group),
        sinks=Sinks(world.sink, world.sink, world.store, world.cache),
        metrics=NullMetrics(),
        artifacts_dir=world.folder,
        roles=generation,  # type: ignore[arg-type]  # nothing is promoted
        learning=LEARNING,
        settings=TrainerSettings(lease_duration_s=0.3),
        start=start,
        stop=stop,
        clock=world.clock,
        status=states,  # type: ignore[arg-type]  # it has the one attribute that is written
    )


def test_a_trainer_waits_for_a_model_stands_by_and_trains(world: World) -> None:
    states, generation, stop = States(), Generation(), StopRequest()
    process = process_over(world, generation, stop, states)
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


def test_a_trainer_that_is_started_while_roles_are_garbage_waits_for_readable_ones(
    world: World,
) -> None:
    states, stop = States(), StopRequest()
    current = world.folder / CURRENT
    roles, failures = SnapshotRoles(world.folder), list[BaseException]()
    process = replace(process_over(world, Generation(), stop, states), roles=roles)

    def train() -> None:
        try:
            run_trainer(process)
        except BaseException as error:  # noqa: BLE001  # of another thread
            failures.append(error)

    current.write_bytes(b"\xff no name")
    with capture_logs() as lines:
        thread = Thread(target=train)
        thread.start()
        try:
            states.wait_for("waiting for a model")
            current.write_text(f"{GENERATION}\n")
            states.wait_for("training")
        finally:
            stop.is_stopping.set()
            thread.join(30)
    assert not failures
    assert states.seen == ["waiting for a model", "starting", "training"]
    said = [line for line in lines if line["event"] in ("roles_unreadable", "waiting_for_a_model")]
    assert [line["event"] for line in said] == ["roles_unreadable"]
    assert str(current) in said[0]["example"]


@pytest.fixture
def replaced(world: World) -> World:
    """A world whose logs were lost after two items were learned and one deleted."""
    trainer = world.trainer("again", is_restored=True)
    world.send(*events(("u", "j"), ("u", "k")))
    trainer.step()
    world.command("item_deleted", "j")
    trainer.step()
    trainer.finish()
    world.log = MemoryEventLog()
    world.sink = MemoryEventSink(world.log)
    return world


def run_briefly(process: TrainerProcess, generation: Generation) -> None:
    process.stop.is_stopping.clear()
    generation.name = GENERATION
    failed: list[BaseException] = []

    def run() -> None:
        try:
            run_trainer(process)
        except LogTruncated as error:
            failed.append(error)

    thread = Thread(target=run)
    thread.start()
    if process.start != "checkpoint":
        process.status.wait_for("training")  # type: ignore[attr-defined]  # of this module's making
        process.stop.is_stopping.set()
    thread.join(30)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


def test_a_log_shorter_than_the_checkpoint_is_said_with_what_mends_it(replaced: World) -> None:
    generation = Generation()
    process = process_over(replaced, generation, StopRequest(), States())
    with pytest.raises(LogTruncated, match="--start earliest"):
        run_briefly(process, generation)


def test_a_start_with_another_log_publishes_all_again_and_is_made_once(replaced: World) -> None:
    replaced.send(*events(("v", "i")))
    generation = Generation()
    run_briefly(process_over(replaced, generation, StopRequest(), States(), "earliest"), generation)
    published = replaced.published_vectors()
    assert {item_id for item_id, record in published.items() if record.vector} == {"i", "k"}
    assert published["j"].vector is None
    after = replaced.trainer("after", is_restored=True)  # does not find the log too short
    assert after.source.next_offsets()[INTERACTIONS] == {0: 1}
    assert after.state.counters.n_events == 4


class Replaced(MemoryEventSource):
    """Finds that its log was replaced once it has read all."""

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        records = super().poll(max_records, timeout_s)
        if not records:
            raise LogTruncated("the log was replaced")
        return records


def test_a_log_that_is_replaced_meanwhile_takes_nothing_of_what_was_learned(world: World) -> None:
    world.send(*events(("u", "j"), ("v", "j")))
    generation = Generation()
    process = process_over(world, generation, StopRequest(), States())
    process = replace(process, open_source=lambda group: Replaced(world.log, [COMMANDS, INTERACTIONS], group))
    with pytest.raises(LogTruncated, match="--start earliest"):
        run_briefly(process, generation)
    assert world.trainer("after", is_restored=True).state.counters.n_events == 3


def test_one_that_may_begin_again_goes_on_in_a_log_that_was_replaced_by_itself(replaced: World) -> None:
    replaced.send(*events(("v", "i")))
    generation = Generation()
    start: StartOrElse = "checkpoint-or-earliest"
    run_briefly(process_over(replaced, generation, StopRequest(), States(), start), generation)
    after = replaced.trainer("after", is_restored=True)
    assert after.source.next_offsets()[INTERACTIONS] == {0: 1}
    assert after.state.counters.n_events == 4
