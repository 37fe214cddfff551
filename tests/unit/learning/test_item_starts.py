import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamrec.domain.items.item import Item
from streamrec.ports import RankedItem
from tests.builders import RunningTrainer, World, events


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world where films of two categories were watched."""
    world = World(tmp_path)
    films = [Item(f"war{n}", categories=("war",)) for n in range(3)]
    films += [Item(f"comedy{n}", categories=("comedy",)) for n in range(3)]
    asyncio.run(world.store.put_items(films))
    world.send(*events(*[(f"u{n % 7}", f"{('war', 'comedy')[n % 2]}{n % 3}") for n in range(120)]))
    return world


def put(world: World, *items: Item) -> None:
    asyncio.run(world.store.put_items(list(items)))
    for item in items:
        world.command("item_changed", item.item_id)


def popular(world: World, name: str) -> list[RankedItem]:
    return asyncio.run(world.cache.popular(name, 100))


def vector(world: World, item_id: str) -> np.ndarray:
    published = world.published_vectors()[item_id].vector
    assert published is not None
    return np.frombuffer(published, "<f4")


def neighbours_of(trainer: RunningTrainer, item_id: str) -> list[str]:
    return trainer.context.categories.contents.neighbours(item_id)


def started(world: World, **settings: Any) -> RunningTrainer:
    trainer = world.trainer(**settings)
    trainer.step(2)
    return trainer


def test_an_item_that_nobody_chose_starts_where_its_like_are_and_is_published(world: World) -> None:
    trainer = started(world)
    put(world, Item("new", categories=("war",)))
    trainer.step(2)
    expected = np.mean([vector(world, f"war{n}") for n in range(3)], axis=0)
    assert vector(world, "new") == pytest.approx(expected, abs=1e-6)


def test_a_title_alone_says_what_an_item_is_like_where_titles_count(world: World) -> None:
    asyncio.run(world.store.put_items([Item("day", title="The Longest Day"), Item("new", title="Longest?")]))
    world.send(*events(("u0", "day"), ("u1", "day")))
    for fields, neighbours in ((frozenset({"title"}), ["day"]), (frozenset({"categories", "text"}), [])):
        trainer = started(world, content_fields=fields)
        assert neighbours_of(trainer, "new") == neighbours
        trainer.finish()


def test_what_was_chosen_first_and_described_later_is_found(world: World) -> None:
    trainer = started(world)
    world.send(*events(("u0", "late"), ("u1", "late")))
    trainer.step(2)
    put(world, Item("new", title="zebra"), Item("late", title="zebra"))
    trainer.step(2)
    assert neighbours_of(trainer, "new") == ["late"]
    put(world, Item("later", title="zebra"))  # like one that was chosen, and one that was not
    trainer.step(2)
    assert neighbours_of(trainer, "later") == ["late"]
    assert "new" not in trainer.state.item_ids
    assert vector(world, "later") == pytest.approx(vector(world, "late"), abs=1e-6)


def test_an_item_that_was_evicted_or_deleted_is_like_nothing_until_it_is_chosen_again(world: World) -> None:
    trainer = started(world, max_items=6)
    put(world, Item("new", categories=("war",)), Item("other", categories=("drama",)))
    world.command("item_deleted", "war1")
    trainer.step(2)
    assert set(neighbours_of(trainer, "new")) == {"war0", "war2"}
    world.send(*events(*[(f"u{n}", f"{item}") for n, item in enumerate(["war0", "other", "x", "y", "z"])]))
    trainer.step(3)
    assert set(neighbours_of(trainer, "new")) == {"war0", "war2"} & set(trainer.state.item_ids.living())
    assert "war2" not in trainer.state.item_ids
    world.send(*events(("u0", "war2")))
    trainer.step(2)
    assert "war2" in neighbours_of(trainer, "new")


def test_after_a_restart_a_new_item_is_like_the_same_ones(world: World) -> None:
    trainer = started(world)
    put(world, Item("silent", categories=("war", "comedy")))
    trainer.step(2)
    found = neighbours_of(trainer, "silent")
    trainer.finish()
    assert sorted(found) == ["comedy0", "comedy1", "comedy2", "war0", "war1", "war2"]
    assert neighbours_of(world.trainer("two", is_restored=True), "silent") == found


def test_it_is_offered_as_new_overall_and_in_its_category_until_it_is_known(world: World) -> None:
    trainer = started(world, new_item_events=3, max_batch=2000)
    put(world, Item("new", categories=("war",)))
    trainer.step(2)
    assert [item.item_id for item in popular(world, "new")] == ["new"]
    assert [item.item_id for item in popular(world, "new:war")] == ["new"]
    assert popular(world, "new:comedy") == []
    for name in ("promising", "promising:war"):
        assert [item.item_id for item in popular(world, name)] == ["new"]
    assert "new" not in {item.item_id for item in popular(world, "all")}
    world.send(*events(*[(f"u{n}", "new") for n in range(3)]))
    trainer.step(2)
    assert popular(world, "new") == popular(world, "promising") == []
    assert "new" in {item.item_id for item in popular(world, "all")}


@pytest.mark.parametrize(
    "item",
    [
        Item("x"),
        Item("x", categories=("unheard of",)),
        Item("x", categories=("war",), is_hidden=True),
    ],
    ids=["no metadata", "like nothing known", "hidden"],
)
def test_an_item_that_cannot_be_placed_or_shown_waits_for_its_first_event(world: World, item: Item) -> None:
    trainer = started(world)
    put(world, item)
    trainer.step(2)
    assert "x" not in trainer.state.item_ids
    assert "x" not in world.published_vectors()
    world.send(*events(("u0", "x")))
    trainer.step(2)
    assert "x" in trainer.state.item_ids
    assert ("x" in world.published_vectors()) is not item.is_hidden  # learned of, and offered by nobody


def test_a_hidden_item_enters_when_it_is_shown(world: World) -> None:
    trainer = started(world)
    put(world, Item("x", categories=("war",), is_hidden=True))
    trainer.step()
    put(world, Item("x", categories=("war",)))
    trainer.step(2)
    assert "x" in world.published_vectors()


def test_silent_items_are_bounded_and_give_way_as_they_are_chosen(world: World) -> None:
    trainer = started(world, max_silent_items=2)
    put(world, *[Item(f"new{n}", categories=("war",)) for n in range(5)])
    trainer.step(2)
    assert {"new0", "new1"} <= set(world.published_vectors())
    assert "new2" not in trainer.state.item_ids
    world.send(*events(("u0", "new0")))
    trainer.step()
    put(world, Item("later", categories=("war",)))
    trainer.step(2)
    assert "later" in world.published_vectors()
    assert trainer.state.new_items.n_silent == 2


def test_a_deleted_new_item_is_gone_and_its_row_free_for_another(world: World) -> None:
    trainer = started(world)
    put(world, Item("new", categories=("war",)))
    trainer.step(2)
    row = trainer.state.item_ids.row("new")
    world.command("item_deleted", "new")
    trainer.step(2)
    assert world.published_vectors()["new"].vector is None
    assert popular(world, "new") == []
    world.send(*events(("u0", "another")))
    trainer.step(2)
    assert trainer.state.item_ids.row("another") == row
    assert trainer.state.new_items.n_silent == 0


def test_a_silent_item_stands_against_nothing_and_stays_where_it_began(world: World) -> None:
    trainer = started(world)
    put(world, Item("new", categories=("war",)))
    trainer.step(2)
    before = vector(world, "new")
    world.send(*events(*[(f"u{n % 7}", f"comedy{n % 3}") for n in range(300)]))
    trainer.step(2)
    assert vector(world, "new").tolist() == before.tolist()


def test_a_restart_knows_what_is_new_and_what_is_silent(world: World) -> None:
    trainer = started(world)
    put(world, Item("new", categories=("war",)))
    trainer.step(2)
    trainer.finish()
    again = world.trainer("two", is_restored=True)
    assert again.state.new_items.n_silent == 1
    shares, shares_again = (each.state.user_shares.arrays() for each in (trainer, again))
    assert {name: array.tolist() for name, array in shares.items()} == {
        name: array.tolist() for name, array in shares_again.items()
    }
    published = popular(world, "promising")
    again.step()
    assert [item.item_id for item in popular(world, "new")] == ["new"]
    assert published
    assert popular(world, "promising") == published


def test_the_next_user_of_a_row_is_no_robot(world: World) -> None:
    trainer = started(world, user_cap=1)
    row = trainer.state.user_ids.row("u0")
    world.command("user_erased", "u0")
    trainer.step(2)
    world.send(*events(("fresh", "war0")))
    before = trainer.state.popularity.scores("all")[trainer.state.item_ids.row("war0")]
    trainer.step(2)
    assert trainer.state.user_ids.row("fresh") == row
    after = trainer.state.popularity.scores("all")[trainer.state.item_ids.row("war0")]
    assert after - before == pytest.approx(1.0)
