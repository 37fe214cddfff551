"""What is no longer ranked leaves the cache, whoever left it there."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.domain.items.item import Item
from streamrec.errors import Unavailable
from streamrec.ports import RankedItem
from tests.builders import RunningTrainer, World, events

ITEMS = (Item("a", categories=("war",)), Item("b", categories=("war", "drama")))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    asyncio.run(world.store.put_items(ITEMS))
    world.send(*events(("u", "a"), ("v", "b")))
    return world


def ranked(world: World, name: str) -> list[str]:
    return [item.item_id for item in asyncio.run(world.cache.popular(name, 10))]


def change(world: World, item: Item) -> None:
    asyncio.run(world.store.put_items([item]))
    world.command("item_changed", item.item_id)


def delete(world: World, item_id: str) -> None:
    asyncio.run(world.store.delete_item(item_id))
    world.command("item_deleted", item_id)


def at_work(world: World) -> RunningTrainer:
    trainer = world.trainer()
    trainer.step(2)
    assert ranked(world, "all:war") == ["a", "b"]
    assert ranked(world, "all:drama") == ["b"]
    return trainer


def test_the_last_item_of_a_category_leaves_its_ranking(world: World) -> None:
    trainer = at_work(world)
    delete(world, "b")
    trainer.step(2)
    assert ranked(world, "all:drama") == []
    assert ranked(world, "all:war") == ["a"]
    delete(world, "a")
    trainer.step(2)
    assert ranked(world, "all:war") == ranked(world, "all") == []


def test_an_item_that_moves_leaves_the_old_category(world: World) -> None:
    trainer = at_work(world)
    change(world, Item("b", categories=("comedy",)))
    trainer.step(2)
    assert (ranked(world, "all:drama"), ranked(world, "all:war")) == ([], ["a"])
    assert ranked(world, "all:comedy") == ["b"]
    change(world, Item("b", categories=("drama",)))
    trainer.step(2)
    assert (ranked(world, "all:comedy"), ranked(world, "all:drama")) == ([], ["b"])


def test_an_item_that_comes_back_is_ranked_again(world: World) -> None:
    trainer = at_work(world)
    delete(world, "b")
    change(world, Item("b", categories=("drama",)))
    trainer.step()
    world.send(*events(("w", "b")))
    trainer.step(2)
    assert ranked(world, "all:drama") == ["b"]


def test_a_category_named_as_a_window_is_one_of_its_own(world: World) -> None:
    trainer = at_work(world)
    change(world, Item("b", categories=("all", "day:war", "")))
    trainer.step(2)
    assert ranked(world, "all:all") == ranked(world, "all:day:war") == ["b"]
    delete(world, "b")
    trainer.step(2)
    assert ranked(world, "all:all") == ranked(world, "all:day:war") == []
    assert ranked(world, "all") == ["a"]


def test_what_an_earlier_trainer_or_generation_left_goes_at_the_start(world: World) -> None:
    ranking = [RankedItem("b", 1.0)]
    world.cache.publish_popular({"all:gone": ranking, "week:gone": ranking, "formerly": ranking})
    at_work(world)
    assert ranked(world, "all:gone") == ranked(world, "week:gone") == ranked(world, "formerly") == []


def test_a_crash_between_the_end_of_a_category_and_the_next_status_leaves_nothing(world: World) -> None:
    trainer = at_work(world)
    trainer.loop.checkpoint()
    delete(world, "b")
    trainer.loop.step()  # the clock stands: no status is due
    trainer.publisher.drain()
    assert ranked(world, "all:drama") == ["b"]
    trainer.loop.checkpoint()
    trainer.publisher.close()
    world.clock.now += 100.0
    world.trainer("two", is_restored=True).step(2)
    assert ranked(world, "all:drama") == []


class AwayNow(MemoryCache):
    """A cache that can be switched off."""

    is_away = False

    def publish_popular(self, rankings: Mapping[str, Sequence[RankedItem]]) -> None:
        if self.is_away:
            raise Unavailable("away")
        super().publish_popular(rankings)

    def publish_items(self, items: Sequence[Item], versions: Mapping[str, int]) -> None:
        if self.is_away:
            raise Unavailable("away")
        super().publish_items(items, versions)


def test_a_cache_that_was_away_loses_the_ranking_when_it_comes_back(world: World) -> None:
    cache = world.cache = AwayNow()
    trainer = at_work(world)
    cache.is_away = True
    delete(world, "b")
    trainer.step(3)
    assert ranked(world, "all:drama") == ["b"]
    cache.is_away = False
    trainer.step(20)
    assert ranked(world, "all:drama") == []
