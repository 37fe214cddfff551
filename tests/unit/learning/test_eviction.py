"""More users and items than may be held: those silent longest go, from the model and from every store."""

import asyncio
from pathlib import Path

import pytest

from streamrec.ports import ITEM_VECTORS, USER_VECTORS
from streamrec.wire import decode_vector
from tests.builders import World, events


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def document_of(world: World, user_id: str) -> object:
    found = asyncio.run(world.store.get_user(user_id))
    return found and found.state


def test_those_silent_longest_go_with_all_that_was_published_of_them(world: World) -> None:
    trainer = world.trainer(max_users=3, max_items=4)
    world.send(*events(*[(f"u{n}", f"i{n}") for n in range(3)]))
    trainer.step(3)
    asyncio.run(world.store.put_attributes("u1", {"age": 30}))
    world.send(*events(("u0", "i0")))
    trainer.step(3)
    world.send(*events(("v", "j"), ("w", "k"), ("v", "k")))
    trainer.step(3)
    state = trainer.state
    assert set(state.user_ids.living()) == {"u0", "v", "w"}
    assert set(state.item_ids.living()) == {"i0", "i2", "j", "k"}
    assert document_of(world, "u1") is None
    kept = asyncio.run(world.store.get_user("u1"))
    assert kept is not None
    assert kept.attributes == {"age": 30}
    assert asyncio.run(world.store.get_user("u2")) is None
    assert asyncio.run(world.store.seen_items("u1", 10)) == []
    for topic, gone in ((ITEM_VECTORS, "i1"), (USER_VECTORS, "u1")):
        held = {r.key for r in world.records(topic) if r.value and decode_vector(r.value).vector is not None}
        assert gone not in held, topic
    assert "i1" not in {item.item_id for item in asyncio.run(world.cache.popular("all", 10))}
    trainer.finish()


def test_whoever_comes_back_is_new_and_a_restart_goes_on_with_the_same_order(world: World) -> None:
    trainer = world.trainer(max_users=2)
    world.send(*events(("a", "i"), ("b", "i")))
    trainer.step()
    world.send(*events(("a", "j")))
    trainer.step()
    trainer.finish()
    second = world.trainer("two", is_restored=True, max_users=2)
    world.send(*events(("c", "i")))
    second.step(2)
    assert set(second.state.user_ids.living()) == {"a", "c"}
    world.send(*events(("b", "k")))
    second.step(2)
    assert set(second.state.user_ids.living()) == {"b", "c"}
    assert asyncio.run(world.store.seen_items("b", 10)) == ["k"]


def test_a_stream_of_new_users_leaves_state_and_store_as_large_as_they_may_be(
    world: World,
) -> None:
    trainer = world.trainer(max_users=50, max_items=30)
    for first in range(0, 1000, 100):
        world.send(*events(*[(f"u{n}", f"i{n % 400}") for n in range(first, first + 100)]))
        trainer.step()
        assert (len(trainer.state.user_ids), len(trainer.state.item_ids)) == (50, 30)
    trainer.step(2)
    assert trainer.state.user_ids.n_rows <= 150  # rows are used again
    stored = [n for n in range(1000) if document_of(world, f"u{n}") is not None]
    assert stored == list(range(950, 1000))


def test_a_bound_smaller_than_a_batch_is_kept_too(world: World) -> None:
    trainer = world.trainer(max_users=1, max_items=1)
    world.send(*events(*[(f"u{n}", f"i{n}") for n in range(40)]))
    trainer.step(2)
    assert (len(trainer.state.user_ids), len(trainer.state.item_ids)) == (1, 1)
