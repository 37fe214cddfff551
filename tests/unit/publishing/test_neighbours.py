import asyncio
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.content_index import ContentIndex
from streamrec.errors import Unavailable, UnsoundModel
from streamrec.learning.initial.fit import FitOptions
from streamrec.learning.initial.release import Start, train_initially
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import Neighbours
from streamrec.publishing.neighbour_views import published_neighbours
from streamrec.settings.processes import CoVisitationSettings, TrainerSettings
from tests.builders import GENERATION, LEARNING, WEIGHTS, RunningTrainer, World, events, near


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def published(world: World, *item_ids: str) -> dict[str, Neighbours]:
    return asyncio.run(world.cache.neighbours(item_ids))


def names(neighbours: Mapping[str, Neighbours]) -> dict[str, list[str]]:
    return {item_id: of_item.item_ids for item_id, of_item in neighbours.items()}


def settled(trainer: RunningTrainer) -> None:
    """Step until no neighbours wait; a step is a second, and one publication takes far less."""
    while trainer.state.dirty_neighbours.n_waiting:
        trainer.step()


def test_what_is_chosen_together_reaches_the_cache(world: World) -> None:
    world.send(*events(("u", "a"), ("u", "b"), ("u", "c"), ("v", "x"), ("v", "a"), ("v", "b")))
    trainer = world.trainer(covisitation=CoVisitationSettings(distance_decay=0.8))
    settled(_stepped(trainer))
    found = published(world, "a", "x", "stranger")
    assert names(found) == {"a": ["b", "x", "c"], "x": ["a", "b"]}
    twice, once = _shrunk(2.0, 2 * 2), _shrunk(0.8, 2 * 1)
    assert entry(found["a"], 0) == near(("b", twice, 2.0, twice))
    assert entry(found["a"], 2) == near(("c", once, 0.8, once))
    assert entry(published(world, "c")["c"], 1) == near(("a", once, 0.8, 0.0))


def test_what_an_item_adds_to_vectors_goes_with_its_neighbours(world: World) -> None:
    world.send(*events(("u", "a"), ("u", "b"), ("u", "c"), ("v", "b"), ("v", "a")))
    trainer = _stepped(world.trainer())
    settled(trainer)
    model = trainer.state.learner.model
    found = published(world, "a", "b", "c")
    rows = trainer.state.item_ids.rows_of(list(found))
    expected = (model.past.rows[rows] * model.output).numpy().astype("<f4")
    assert [near.past for near in found.values()] == [row.tobytes() for row in expected]
    assert {near.generation for near in found.values()} == {GENERATION}


def test_a_damaged_past_is_never_published(world: World) -> None:
    world.send(*events(("u", "a"), ("u", "b")))
    trainer = _stepped(world.trainer())
    trainer.state.learner.model.past.rows[1, 0] = float("nan")
    with pytest.raises(UnsoundModel, match="past"):
        published_neighbours(trainer.state, np.arange(2), 10)


def entry(neighbours: Neighbours, place: int) -> Neighbours:
    """Return one of them by co-visitation."""
    columns: list[Any] = [[column[place]] for column in msgspec.structs.astuple(neighbours)[:4]]
    return Neighbours(*columns)


def _shrunk(count: float, product_of_counts: int) -> float:
    return round(count / (math.sqrt(product_of_counts) + 10), 6)


def _stepped(trainer: RunningTrainer) -> RunningTrainer:
    trainer.step()
    return trainer


def test_one_batch_and_many_count_alike(tmp_path: Path) -> None:
    history = events(*[(f"u{n % 7}", f"i{n * n % 23}") for n in range(200)])
    states = []
    for n_at_once in (200, 1):
        world = World(tmp_path / str(n_at_once))
        world.send(*history)
        trainer = world.trainer(max_batch=n_at_once)
        trainer.step(200 // n_at_once)
        states.append(trainer.state)
    n_items = states[0].item_ids.n_rows
    for row in range(n_items):
        one, many = (state.covisitation.scores(np.array([row]), n_items) for state in states)
        assert one == pytest.approx(many, rel=1e-5)
        assert one.any()


def test_dislikes_and_impressions_bring_nothing_together(world: World) -> None:
    world.send(*events(("u", "a"), ("u", "b"), type="dislike"), *events(("u", "c"), type="impression"))
    trainer = _stepped(world.trainer())
    assert trainer.state.covisitation.n_items == 0


def test_a_history_counts_as_the_stream_does(world: World) -> None:
    history = [Interaction(f"u{n % 9}", f"i{n * n % 23}", 100.0 + n) for n in range(300)]
    state = TrainerState(GENERATION, LEARNING, TrainerSettings())
    rules = LearningRules(WEIGHTS, False, ContentIndex())
    train_initially(state, Start(history, rules, FitOptions(max_epochs=1)), lambda *_: None)
    world.send(*events(*[(event.user_id, event.item_id) for event in history]))
    trainer = _stepped(world.trainer())
    for ours, theirs in zip(
        state.covisitation.arrays().values(), trainer.state.covisitation.arrays().values(), strict=True
    ):
        assert ours == pytest.approx(theirs, rel=1e-5)


def test_a_deleted_item_is_gone_from_the_cache(world: World) -> None:
    world.send(*events(("u", "a"), ("u", "b"), ("u", "c")))
    trainer = _stepped(world.trainer())
    settled(trainer)
    world.command("item_deleted", "b")
    settled(_stepped(trainer))
    assert names(published(world, "a", "b", "c")) == {"a": ["c"], "c": ["a"]}
    world.command("item_deleted", "a")
    settled(_stepped(trainer))
    assert published(world, "a", "b", "c") == {}


def test_a_restarted_trainer_goes_on_alike_and_fills_an_empty_cache(world: World) -> None:
    world.send(*events(("u", "a"), ("u", "b"), ("v", "b"), ("v", "c")))
    first = world.trainer()
    settled(_stepped(first))
    before = published(world, "a", "b", "c")
    first.finish()
    world.cache.publish_neighbours({name: Neighbours() for name in "abc"})
    second = world.trainer("two", is_restored=True)
    settled(_stepped(second))
    assert published(world, "a", "b", "c") == before
    first_arrays, second_arrays = (each.state.covisitation.arrays() for each in (first, second))
    assert {name: array.tolist() for name, array in second_arrays.items()} == {
        name: array.tolist() for name, array in first_arrays.items()
    }


def test_a_cache_that_was_emptied_is_filled_after_a_while(world: World) -> None:
    world.send(*events(("u", "a"), ("u", "b")))
    trainer = world.trainer(covisitation=CoVisitationSettings(refresh_interval_s=60.0))
    settled(_stepped(trainer))
    world.cache.publish_neighbours({name: Neighbours() for name in "ab"})
    trainer.step(30)
    assert published(world, "a", "b") == {}
    trainer.step(40)
    assert names(published(world, "a", "b")) == {"a": ["b"], "b": ["a"]}


class Failing:
    """A cache that takes no neighbours for a while."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache
        self.is_down = True

    def publish_neighbours(self, neighbours: Mapping[str, Neighbours]) -> None:
        if self.is_down:
            raise Unavailable("down")
        self._cache.publish_neighbours(neighbours)

    def drop_neighbours_but(self, item_ids: Collection[str]) -> None:
        if self.is_down:
            raise Unavailable("down")
        self._cache.drop_neighbours_but(item_ids)


def test_what_a_cache_did_not_take_comes_again(world: World) -> None:
    world.send(*events(("u", "a"), ("u", "b"), ("u", "c")))
    trainer = world.trainer()
    cache = Failing(world.cache)
    trainer.publisher.neighbours._cache = cache  # type: ignore[assignment]
    trainer.step(3)
    world.command("item_deleted", "b")
    trainer.step(20)
    assert published(world, "a", "b", "c") == {}
    world.cache.publish_neighbours({"b": near(("a", 0.1, 1.0, 0.0))})
    cache.is_down = False
    for _ in range(40):  # each waits for what is under way
        trainer.step()
    assert names(published(world, "a", "b", "c")) == {"a": ["c"], "c": ["a"]}


def test_a_publication_is_bounded(world: World) -> None:
    world.send(*events(*[("u", f"i{n}") for n in range(10)]))
    trainer = world.trainer(covisitation=CoVisitationSettings(max_published_items=4, n_published=3))
    waiting: list[int] = []
    while not waiting or waiting[-1]:
        trainer.step()
        waiting.append(trainer.state.dirty_neighbours.n_waiting)
    assert waiting == [10, 6, 2, 0]  # what an earlier generation left is removed first
    assert {len(near) for near in published(world, *[f"i{n}" for n in range(10)]).values()} == {3}
