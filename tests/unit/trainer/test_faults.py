"""Parts that fail in the middle of work: nothing is lost and nothing counts twice."""

import asyncio
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from models.checkpoint import write_checkpoint
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.sources.table import first_blend
from streamrec.errors import CorruptArtifact, LeaseLost, Unavailable
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.stored_state import to_checkpoint
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import Lease, Offsets, UserUpdates
from streamrec.publishing.publications import Status
from streamrec.publishing.publisher import Changelog, Publisher, Sinks
from streamrec.telemetry import NullMetrics
from tests.builders import GENERATION, World, events


class FailingStore(MemoryStore):
    """Does not answer some publications."""

    n_failures = 0

    def publish_users(self, updates: UserUpdates, lease: Lease) -> None:
        if self.n_failures:
            self.n_failures -= 1
            raise Unavailable("no answer")
        super().publish_users(updates, lease)


class FailingCheckpoints(Checkpoints):
    """Finds the disk full some times."""

    n_failures = 0

    def write(self, state: TrainerState, next_offsets: Offsets, token: int) -> None:
        if self.n_failures:
            self.n_failures -= 1
            raise Unavailable("no space left on device")
        super().write(state, next_offsets, token)


def n_events_stored(world: World, user_id: str) -> Any:
    document = asyncio.run(world.store.get_user(user_id))
    assert document is not None
    assert document.state is not None
    return document.state.n_events


def test_a_store_that_does_not_answer_is_waited_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.store = store = FailingStore()
    trainer = world.trainer()
    store.n_failures = 2
    world.send(*events(("u", "a"), ("u", "b")))
    trainer.step()
    assert store.n_failures == 0
    assert n_events_stored(world, "u") == 2


def test_giving_up_ends_the_wait_and_a_restart_does_the_work(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.store = store = FailingStore()
    first = world.trainer()
    first.finish()
    store.n_failures = 10**9
    first = world.trainer("two")
    world.send(*events(("u", "a")))
    first.stop.is_giving_up.set()
    with pytest.raises(Unavailable):
        first.step()
    store.n_failures = 0
    first.lease.release()
    second = world.trainer("three")
    second.step()
    assert n_events_stored(world, "u") == 1


def test_what_failed_for_good_is_never_checkpointed_as_done_though_the_store_comes_back(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.store = store = FailingStore()
    first = world.trainer(checkpoint_interval_s=0.5)
    world.send(*events(("u", "a")))
    first.step()
    store.n_failures = 1
    first.stop.is_giving_up.set()  # the second signal, or twenty seconds after the first
    world.send(*events(("u", "b")))
    first.loop.step()
    first.stop.is_stopping.set()
    with pytest.raises(Unavailable):  # noqa: PT012  # wherever it is noticed first
        world.clock.now += 1.0
        first.loop.step()
        first.loop.run()
    assert first.source.committed()["interactions"] == {0: 1}
    first.publisher.close()
    first.lease.release()
    second = world.trainer("two", is_restored=True)
    second.step()
    assert second.state.counters.n_events == 2
    assert n_events_stored(world, "u") == 2
    assert set(asyncio.run(store.seen_items("u", 10))) == {"a", "b"}


def test_a_full_disk_at_a_checkpoint_does_not_stop_the_learning(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.checkpoints = checkpoints = FailingCheckpoints(tmp_path, GENERATION)
    trainer = world.trainer(checkpoint_interval_s=0.5)
    checkpoints.n_failures = 1
    world.send(*events(("u", "a")))
    trainer.step()
    assert trainer.source.committed() == {}
    world.send(*events(("u", "b")))
    trainer.step()
    assert trainer.source.committed()["interactions"] == {0: 2}
    assert n_events_stored(world, "u") == 2


def test_a_full_disk_at_the_last_checkpoint_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.checkpoints = checkpoints = FailingCheckpoints(tmp_path, GENERATION)
    trainer = world.trainer()
    world.send(*events(("u", "a")))
    checkpoints.n_failures = 1
    with pytest.raises(Unavailable, match="no space"):
        trainer.finish()


def test_whoever_lost_the_lease_writes_nothing_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.trainer()
    world.send(*events(("u", "a")))
    first.step()
    world.clock.now += 60
    second = world.trainer("two")
    world.send(*events(("u", "b")))
    second.step(2)
    assert n_events_stored(world, "u") == 2
    with pytest.raises(LeaseLost):
        first.step()
    with pytest.raises(LeaseLost):
        world.store.publish_users(UserUpdates([], [("u", "zombie", 1.0)]), Lease("trainer", "one", 1, 1e18))
    assert "zombie" not in asyncio.run(world.store.seen_items("u", 10))


def test_a_torn_newest_checkpoint_only_means_more_to_read_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.trainer(checkpoint_interval_s=0.5)
    for item_id in "abc":
        world.send(*events(("u", item_id)))
        first.step()
    newest = max((tmp_path / "checkpoints" / GENERATION).iterdir())
    (newest / "tensors.safetensors").write_bytes(b"torn")
    second = world.trainer("two", is_restored=True)
    assert second.state.counters.n_events == 2
    second.step()
    assert second.state.counters.n_events == 3
    assert n_events_stored(world, "u") == 3


def test_a_checkpoint_of_another_version_is_told(tmp_path: Path) -> None:
    first = World(tmp_path).trainer()
    checkpoint = to_checkpoint(first.state, {})
    del checkpoint.state["counters"]
    write_checkpoint(tmp_path / "checkpoints" / GENERATION, (9, 9), checkpoint)
    with pytest.raises(CorruptArtifact, match="'counters': another version wrote it"):
        World(tmp_path).trainer("two", is_restored=True)


def test_a_value_scales_its_weight_when_asked_to(tmp_path: Path) -> None:
    def moved(value: float, **settings: Any) -> float:
        world = World(tmp_path / f"{value}-{len(settings)}")
        trainer = world.trainer(**settings)
        world.send(*events(*[("u", f"i{n}") for n in range(20)], value=10.0))
        world.send(*events(*[("v", f"j{n}") for n in range(20)], value=10.0))  # what u's stand against
        trainer.step()
        model, row = trainer.state.learner.model, trainer.state.user_ids.row("u")
        before = model.users.rows[row].clone()
        world.send({"user_id": "u", "item_id": "x", "value": value})
        trainer.step()
        return float((model.users.rows[row] - before).norm())

    assert moved(40.0, value_weight=True) > 1.2 * moved(10.0, value_weight=True)
    assert moved(40.0) == pytest.approx(moved(10.0))


class AwayFor:
    """A cache that does not answer the first so many times."""

    def __init__(self, n_failures: int) -> None:
        self.n_calls = 0
        self._n_failures = n_failures

    def publish_popular(self, _rankings: object) -> None:
        self.n_calls += 1
        if self.n_calls <= self._n_failures:
            raise Unavailable("redis://gone")

    def publish_counters(self, _counters: object) -> None:
        """Nothing to keep."""

    def publish_blend(self, _blend: object) -> None:
        """Nothing to keep."""

    def close(self) -> None:
        """Nothing to release."""


def test_a_cache_that_is_away_is_asked_after_growing_pauses(tmp_path: Path) -> None:
    world = World(tmp_path)
    cache = AwayFor(3)
    publisher = Publisher(
        Sinks(world.sink, world.sink, world.store, cache),  # type: ignore[arg-type]
        Changelog("g1", 0, lambda: None),
        lambda: Lease("trainer", "one", 1, 0.0),
        NullMetrics(),
        Event(),
    )
    asked = []
    for _ in range(16):
        before = cache.n_calls
        publisher.publish_status(lambda: Status({}, {}, first_blend().published()), first_blend().published)
        publisher.drain()
        asked.append(cache.n_calls - before)
    publisher.close()
    assert asked == [1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]
