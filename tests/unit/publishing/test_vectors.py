import asyncio
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoint import Checkpoint
from streamrec.domain.items.item import Item
from streamrec.domain.users.user import LabelUse, UserState
from streamrec.learning.state.dirty_rows import DirtyRows
from streamrec.learning.state.stored_state import restore, to_checkpoint
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.user_similarity import similarity_vectors
from streamrec.ports import ITEM_VECTORS, USER_VECTORS
from streamrec.process.retries import LONGEST_PAUSE_S
from streamrec.publishing.publisher import Publisher
from streamrec.publishing.vectors import Pace, VectorPublishing
from streamrec.settings.processes import TrainerSettings
from streamrec.wire import VectorRecord, decode_vector
from tests.builders import GENERATION, LEARNING, World, events


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def vectors_of_users(world: World) -> dict[str, VectorRecord]:
    """Return the last record of each user in the changelog."""
    return {record.key: decode_vector(record.value or b"") for record in world.records(USER_VECTORS)}


def state_of(world: World, user_id: str) -> UserState:
    document = asyncio.run(world.store.get_user(user_id))
    assert document is not None
    assert document.state is not None
    return document.state


def numbers(record: VectorRecord) -> list[float]:
    return [float(number) for number in np.frombuffer(record.vector or b"", "<f4")]


def test_a_user_is_published_as_the_mean_of_what_was_chosen_without_the_biases(world: World) -> None:
    world.send(*events(("u", "a"), ("v", "b"), ("u", "c")))
    trainer = world.trainer()
    trainer.step(2)
    published = vectors_of_users(world)
    assert set(published) == {"u", "v"}
    assert published["u"].generation == GENERATION
    rows = trainer.state.item_ids.rows_of(["a", "c"])
    wanted = trainer.state.learner.model.items.rows[torch.from_numpy(rows)].mean(dim=0)
    assert numbers(published["u"]) == pytest.approx([*wanted[:-1].tolist(), 0.0], abs=1e-6)


def test_users_in_a_snapshot_are_as_they_are_published(world: World) -> None:
    world.send(
        *events(*[(f"u{n % 5}", f"i{n % 7}") for n in range(60)]), *events(("sour", "a"), type="dislike")
    )
    trainer = world.trainer()
    trainer.step(2)
    ids = [f"u{n}" for n in range(5)]
    similarity = similarity_vectors(trainer.state, trainer.state.user_ids.rows_of([*ids, "sour"]))
    trainer.state.dirty_users.mark(np.arange(6), 0.0)
    trainer.step()  # published again with the items' vectors of the moment
    published = vectors_of_users(world)
    assert set(published) == set(ids)
    assert similarity[:5].tolist() == [numbers(published[user_id]) for user_id in ids]
    assert not similarity[5].any()
    assert similarity_vectors(trainer.state, np.zeros(0, np.int64)).shape == (0, 9)


def test_similarity_does_not_depend_on_how_many_are_asked_for_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send(*events(*[(f"u{n % 5}", f"i{n % 7}") for n in range(23)]))
    trainer = world.trainer()
    trainer.step(2)
    rows = np.arange(5)
    together = similarity_vectors(trainer.state, rows)
    monkeypatch.setattr("streamrec.learning.user_similarity._USERS_AT_ONCE", 2)
    assert together.any(axis=1).all()
    assert similarity_vectors(trainer.state, rows).tolist() == together.tolist()


def test_a_busy_user_is_published_once_for_many_events(world: World) -> None:
    trainer = world.trainer(user_publish_interval_s=10.0, checkpoint_interval_s=1e9)
    for number in range(9):
        world.send(*events(("u", f"i{number}")))
        trainer.step()
    assert [record.offset for record in world.records(USER_VECTORS)] == [0]
    world.clock.now += 10.0
    trainer.step()
    assert [record.offset for record in world.records(USER_VECTORS)] == [1]  # in the place of the first
    trainer.step(30)  # nothing changed since
    assert [record.offset for record in world.records(USER_VECTORS)] == [1]


def test_a_user_of_dislikes_alone_is_like_nobody(world: World) -> None:
    world.send(*events(("u", "a")), *events(("sour", "a"), type="dislike"))
    world.trainer().step(2)
    assert set(vectors_of_users(world)) == {"u"}


def test_an_erased_user_ends_with_a_tombstone_and_one_who_comes_back_with_a_vector(world: World) -> None:
    world.send(*events(("u", "a"), ("v", "a")))
    trainer = world.trainer()
    trainer.step(2)
    world.command("user_erased", "u")
    world.command("user_erased", "v")
    trainer.step()
    world.send(*events(("v", "b")))
    trainer.step(2)
    published = vectors_of_users(world)
    assert published["u"].vector is None
    assert published["v"].vector is not None
    row = trainer.state.user_ids.row("v")
    assert trainer.state.dirty_users.since()[row] == np.inf


def test_an_erased_user_who_waited_is_not_published_after_the_tombstone(world: World) -> None:
    trainer = world.trainer(user_publish_interval_s=10.0)
    trainer.step()
    world.send(*events(("u", "a")))
    trainer.step()
    world.command("user_erased", "u")
    trainer.step(12)
    assert [decode_vector(record.value or b"").vector for record in world.records(USER_VECTORS)] == [None]


def test_without_a_share_of_the_time_only_tombstones_are_published(world: World) -> None:
    world.send(*events(("u", "a"), ("v", "a")))
    trainer = world.trainer(user_publish_share=0.0)
    trainer.step(2)
    world.command("user_erased", "u")
    trainer.step(2)
    trainer.finish()
    assert {key: record.vector for key, record in vectors_of_users(world).items()} == {"u": None}


def test_what_waits_is_in_the_checkpoint(world: World) -> None:
    trainer = world.trainer(user_publish_share=0.0)
    world.send(*events(("u", "a"), ("v", "b")))
    trainer.step()
    trainer.finish()
    assert vectors_of_users(world) == {}
    world.trainer("two", is_restored=True).step(2)
    assert set(vectors_of_users(world)) == {"u", "v"}


def test_of_an_older_checkpoint_all_users_are_to_come_and_profiles_are_empty() -> None:
    state = TrainerState(GENERATION, LEARNING, TrainerSettings())
    state.user_ids.rows_of(["u", "v"], add=True)
    whole = to_checkpoint(state, {})
    del whole.state["user_labels"]
    then_unknown = ("dirty_users/", "user_categories/", "user_tags/")
    tensors = {name: tensor for name, tensor in whole.tensors.items() if not name.startswith(then_unknown)}
    opened = TrainerState(GENERATION, LEARNING, TrainerSettings())
    restore(opened, Checkpoint(tensors, whole.state))
    assert opened.dirty_users.n_waiting == 2
    assert opened.user_categories.of(np.array([0, 1])) == [(), ()]


def test_another_log_gets_all_vectors_again(world: World) -> None:
    world.send(*events(("u", "a"), ("v", "b")))
    trainer = world.trainer()
    trainer.step(2)
    trainer.finish()
    world.log.records[USER_VECTORS].clear()
    world.trainer("two", is_restored=True, is_new_log=True).step(2)
    assert set(vectors_of_users(world)) == {"u", "v"}


class Quick(Publisher):
    """A log that takes a fixed time."""

    def __init__(self, took_s: float) -> None:
        self.took_s = took_s
        self.is_free = True
        self.published: list[list[str]] = []

    def is_free_for_vectors(self, topic: str) -> bool:
        return self.is_free

    def vectors_took_s(self, topic: str) -> float:
        return self.took_s

    def publish_vectors(self, topic: str, vectors: object) -> None:
        self.published.append([id_ for id_, _ in vectors])  # type: ignore[attr-defined]


def test_publishing_takes_its_share_of_the_time_and_those_who_wait_longest_go_first() -> None:
    dirty, publisher = DirtyRows(), Quick(took_s=0.5)
    dirty.settle(4)
    for row in (2, 0, 3, 1):
        dirty.mark(np.array([row]), now=10.0 - row)
    vectors_of = lambda rows: [(str(row), b"") for row in rows]  # noqa: E731
    publishing = VectorPublishing(USER_VECTORS, dirty, vectors_of, publisher, Pace(1.0, 0.1, 2), 10.0)
    publishing.publish_if_due(10.0, lambda: 0.0)
    assert publisher.published == [["2", "3"]]
    publishing.publish_if_due(14.9, lambda: 0.0)
    assert len(publisher.published) == 1
    publisher.is_free = False
    publishing.publish_if_due(15.0, lambda: 0.0)
    assert len(publisher.published) == 1
    publisher.is_free = True
    publishing.publish_if_due(15.0, lambda: 0.0)
    assert publisher.published[1:] == [["0", "1"]]


def test_a_log_that_was_away_for_an_hour_is_published_to_soon_again() -> None:
    dirty, publisher = DirtyRows(), Quick(took_s=3600.0)
    dirty.settle(2)
    dirty.mark(np.array([0, 1]), now=10.0)
    vectors_of = lambda rows: [(str(row), b"") for row in rows]  # noqa: E731
    publishing = VectorPublishing(USER_VECTORS, dirty, vectors_of, publisher, Pace(1.0, 0.1, 1), 10.0)
    publishing.publish_if_due(10.0, lambda: 0.0)
    publishing.publish_if_due(10.0 + LONGEST_PAUSE_S, lambda: 0.0)
    assert publisher.published == [["0"], ["1"]]


def test_a_profile_says_what_a_user_chose(world: World) -> None:
    items = [
        Item("a", categories=("war", "drama"), attributes={"tags": ["old"]}),
        Item("b", categories=("war",), attributes={"tags": "no list"}),
    ]
    asyncio.run(world.store.put_items(items))
    world.send(*events(("u", "a"), ("u", "b"), value=30.0), *events(("u", "b"), ("u", "unknown")))
    world.send(*events(("u", "a"), type="impression"), *events(("u", "a"), type="dislike"))
    world.trainer().step(2)
    profile = state_of(world, "u").profile
    assert profile.categories == (LabelUse("war", 3, 30.0), LabelUse("drama", 1, 30.0))
    assert profile.tags == (LabelUse("old", 1, 30.0),)


def test_new_metadata_counts_from_then_on_and_an_erased_user_has_no_profile(world: World) -> None:
    trainer = world.trainer()
    world.send(*events(("u", "a")))
    trainer.step()
    asyncio.run(world.store.put_items([Item("a", categories=("war",))]))
    world.command("item_changed", "a")
    trainer.step()
    world.send(*events(("u", "a")))
    trainer.step()
    assert state_of(world, "u").profile.categories == (LabelUse("war", 1),)
    trainer.finish()
    again = world.trainer("two", is_restored=True)
    world.send(*events(("u", "a")))
    again.step()
    assert state_of(world, "u").profile.categories == (LabelUse("war", 2),)
    world.command("user_erased", "u")
    again.step()
    world.send(*events(("u", "unknown")))
    again.step()
    assert state_of(world, "u").profile.categories == ()


def test_a_chosen_item_is_published_before_those_that_it_stood_against(world: World) -> None:
    trainer = world.trainer(max_moved_vectors=1, item_publish_interval_s=1e-9, item_publish_share=1.0)
    world.send(*events(*[(f"u{n}", f"i{n}") for n in range(20)]))
    trainer.step(30)
    before = {record.key: record.offset for record in world.records(ITEM_VECTORS)}
    assert len(before) == 20
    trainer.state.dirty_items.mark(np.arange(20), world.clock.now)
    world.send(*events(("u0", "i7")))
    trainer.step()
    after = {record.key: record.offset for record in world.records(ITEM_VECTORS)}
    moved = {item_id for item_id, offset in after.items() if offset != before[item_id]}
    assert "i7" in moved
    assert len(moved) <= 2
    trainer.step(30)
    assert trainer.state.dirty_items.n_waiting == 0
