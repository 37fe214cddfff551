"""Hidden items leave index, rankings and others' neighbours through the trainer, and come back when shown."""

import asyncio
from pathlib import Path

import pytest

from streamrec.domain.items.item import Item
from tests.builders import RunningTrainer, World, events
from tests.unit.publishing.test_rankings import AwayNow


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    asyncio.run(world.store.put_items([Item(id_, categories=("war",)) for id_ in "abc"]))
    world.send(*events(("u", "a"), ("u", "b"), ("u", "c"), ("v", "a"), ("v", "b")))
    return world


def change(world: World, item: Item) -> None:
    asyncio.run(world.store.put_items([item]))
    world.command("item_changed", item.item_id)


def offered(world: World) -> dict[str, list[str]]:
    """Return what lists are made of, by its kind."""
    popular, of_category = (asyncio.run(world.cache.popular(name, 9)) for name in ("all", "all:war"))
    near = asyncio.run(world.cache.neighbours(["a"])).get("a")
    return {
        "vectors": sorted(id_ for id_, record in world.published_vectors().items() if record.vector),
        "popular": sorted(item.item_id for item in popular),
        "category": sorted(item.item_id for item in of_category),
        "neighbours": sorted(near.item_ids) if near else [],
        "same day": sorted(near.same_day_ids) if near else [],
    }


ALL = {
    "vectors": ["a", "b", "c"], "popular": ["a", "b", "c"], "category": ["a", "b", "c"],
    "neighbours": ["b", "c"], "same day": ["b", "c"],
}  # fmt: skip

WITHOUT_B = {name: [id_ for id_ in ids if id_ != "b"] for name, ids in ALL.items()}


def settled(trainer: RunningTrainer) -> RunningTrainer:
    for _ in range(6):
        trainer.step()
    return trainer


def test_a_hidden_item_leaves_all_that_lists_are_made_of_and_comes_back(world: World) -> None:
    trainer = settled(world.trainer())
    assert offered(world) == ALL
    change(world, Item("b", categories=("war",), is_hidden=True))
    settled(trainer)
    assert offered(world) == WITHOUT_B
    world.send(*events(("w", "a"), ("w", "b")))  # still chosen, by who has it before them
    settled(trainer)
    assert offered(world) == WITHOUT_B
    change(world, Item("b", categories=("war",)))
    settled(trainer)
    assert offered(world) == ALL


def test_what_was_hidden_while_no_trainer_ran_is_gone_after_its_start_and_what_is_shown_is_back(
    world: World,
) -> None:
    trainer = settled(world.trainer())
    trainer.finish()
    asyncio.run(world.store.put_items([Item("b", categories=("war",), is_hidden=True)]))  # and no command
    trainer = settled(world.trainer("two", is_restored=True))
    assert offered(world) == WITHOUT_B
    trainer.finish()
    asyncio.run(world.store.put_items([Item("b", categories=("war",))]))
    settled(world.trainer("three", is_restored=True))
    assert offered(world) == ALL


def test_a_crash_after_an_item_was_hidden_does_not_keep_it_out_when_it_is_shown(
    world: World,
) -> None:
    trainer = settled(world.trainer())
    trainer.loop.checkpoint()
    change(world, Item("b", categories=("war",), is_hidden=True))
    settled(trainer)
    trainer.publisher.close()  # and no checkpoint
    change(world, Item("b", categories=("war",)))
    world.clock.now += 100.0
    settled(world.trainer("two", is_restored=True))
    assert offered(world) == ALL


def test_the_cache_hears_of_changes_that_the_server_could_not_tell_it(world: World) -> None:
    cache = world.cache = AwayNow()
    trainer = settled(world.trainer())
    asyncio.run(cache.put_items([Item("a"), Item("b"), Item("c", title="old")]))
    cache.is_away = True
    change(world, Item("a", is_hidden=True))
    asyncio.run(world.store.delete_item("b"))
    world.command("item_deleted", "b")
    change(world, Item("c", title="new"))
    settled(trainer)
    cache.is_away = False
    trainer.step(20)
    trainer.step()
    cached = asyncio.run(cache.get_items(["a", "b", "c"]))
    assert {id_: item.is_hidden for id_, item in cached.items()} == {"a": True, "b": True}


def test_all_hidden_items_are_known_in_the_cache_after_a_start(world: World) -> None:
    asyncio.run(world.store.put_items([Item(f"h{number}", is_hidden=True) for number in range(30)]))
    settled(world.trainer())
    known = asyncio.run(world.cache.last_known([f"h{number}" for number in range(30)]))
    assert len(known) == 30
    assert all(item.is_hidden for item in known.values())
