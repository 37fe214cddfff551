"""Rankings of what grows and of what is new, as the trainer publishes them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from streamrec.domain.items.item import Item
from tests.builders import World

DAY_S = 86_400.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def choices(item_id: str, n: int, day: float) -> list[dict[str, Any]]:
    """Return choices of one item by `n` people, within an hour of a day."""
    return [
        {"user_id": f"{item_id}-{day}-{person}", "item_id": item_id, "timestamp": DAY_S * day + person}
        for person in range(n)
    ]


def ranked(world: World, name: str) -> list[str]:
    return [item.item_id for item in asyncio.run(world.cache.popular(name, 10))]


def test_what_is_chosen_more_than_before_is_trending_and_what_always_is_chosen_is_not(world: World) -> None:
    asyncio.run(world.store.put_items([Item("riser", categories=("c",)), Item("steady", categories=("c",))]))
    for day in range(20):
        world.send(*choices("steady", 40, day), *choices("fading", 30, day))
    world.send(*choices("steady", 40, 20), *choices("riser", 30, 20.01), *choices("seldom", 1, 20.02))
    trainer = world.trainer()
    trainer.step(3)
    assert ranked(world, "all")[0] == "steady"
    assert ranked(world, "trending") == ["riser", "seldom"]
    assert ranked(world, "trending:c") == ["riser"]
    (riser, seldom) = asyncio.run(world.cache.popular("trending", 10))
    assert riser.score > 2 > seldom.score > 1, "one choice more proves little"


def test_the_newest_items_are_those_that_appeared_last_whoever_is_chosen_most(world: World) -> None:
    asyncio.run(world.store.put_items([Item("hidden", is_hidden=True)]))
    world.send(
        *choices("old", 30, 1), *choices("middle", 2, 2), *choices("hidden", 2, 3), *choices("new", 1, 4)
    )
    # A later choice makes nothing newer, an earlier one that comes late makes it older.
    world.send(*choices("old", 30, 4.1), *choices("middle", 1, 0.5))
    trainer = world.trainer()
    trainer.step(2)
    assert ranked(world, "latest") == ["new", "old", "middle"]
    world.command("item_deleted", "new")
    trainer.step(2)
    assert ranked(world, "latest") == ["old", "middle"]


def test_rankings_of_feeds_need_their_windows(world: World) -> None:
    world.send(*choices("a", 3, 1))
    world.trainer(popularity_half_lives={"all": None}).step(2)
    assert (ranked(world, "trending"), ranked(world, "latest")) == ([], ["a"])
