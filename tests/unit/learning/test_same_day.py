"""How what was chosen on one day is counted by the trainer, and gets out."""

import asyncio
from pathlib import Path

import pytest

from models.checkpoint import Checkpoint
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.content_index import ContentIndex
from streamrec.learning.counting import count_history
from streamrec.learning.initial.history import gather
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.stored_state import restore, to_checkpoint
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import Neighbours
from streamrec.settings.processes import CoVisitationSettings, TrainerSettings
from tests.builders import GENERATION, LEARNING, WEIGHTS, RunningTrainer, World

DAY_S = 86_400.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def on_days(*choices: tuple[int, str, str], **fields: str) -> list[dict[str, object]]:
    """Return events of (day, user, item)."""
    return [
        {"user_id": user, "item_id": item, "timestamp": day * DAY_S + number, **fields}
        for number, (day, user, item) in enumerate(choices)
    ]


def published(world: World, trainer: RunningTrainer, item_id: str) -> dict[str, int]:
    trainer.step()
    while trainer.state.dirty_neighbours.n_waiting:
        trainer.step()
    near = asyncio.run(world.cache.neighbours([item_id])).get(item_id, Neighbours())
    return dict(zip(near.same_day_ids, near.same_day_counts, strict=True))


def test_a_users_day_goes_on_through_batches_and_restarts(world: World) -> None:
    world.send(*on_days((1, "u", "a"), (2, "u", "x"), (1, "v", "a")))
    first = world.trainer()
    assert published(world, first, "a") == {}
    first.finish()
    world.send(*on_days((1, "u", "b"), (1, "v", "b"), (1, "v", "a"), (2, "v", "c")))
    second = world.trainer("two", is_restored=True)
    assert published(world, second, "a") == {"b": 2}
    assert published(world, second, "x") == {}


def test_only_what_is_chosen_counts(world: World) -> None:
    world.send(*on_days((1, "u", "a")))
    world.send(*on_days((1, "u", "b"), type="impression"), *on_days((1, "u", "c"), type="dislike"))
    assert published(world, world.trainer(), "a") == {}


def test_a_deleted_item_is_gone_and_its_row_starts_anew(world: World) -> None:
    world.send(*on_days((1, "u", "a"), (1, "u", "b"), (1, "u", "c")))
    trainer = world.trainer()
    assert published(world, trainer, "a") == {"b": 1, "c": 1}
    world.command("item_deleted", "b")
    assert published(world, trainer, "a") == {"c": 1}
    world.send(*on_days((1, "u", "new")))
    assert published(world, trainer, "new") == {"a": 1, "c": 1}
    assert published(world, trainer, "b") == {}


def test_an_erased_users_day_is_not_taken_over_by_the_next_one(world: World) -> None:
    world.send(*on_days((1, "u", "a")))
    trainer = world.trainer()
    trainer.step()
    world.command("user_erased", "u")
    trainer.step()
    world.send(*on_days((1, "v", "b")))
    assert published(world, trainer, "b") == {}


def test_nothing_is_counted_where_it_is_turned_off(world: World) -> None:
    world.send(*on_days((1, "u", "a"), (1, "u", "b")))
    first = world.trainer()
    assert published(world, first, "a") == {"b": 1}
    first.finish()
    off = world.trainer("two", is_restored=True, covisitation=CoVisitationSettings(same_day_items=0))
    assert published(world, off, "a") == {}
    world.send(*on_days((1, "u", "c")))
    assert published(world, off, "c") == {}


def test_a_history_counts_as_the_stream_does(world: World) -> None:
    history = [Interaction(f"u{n % 9}", f"i{n * n % 23}", n * DAY_S / 9) for n in range(300)]
    state = TrainerState(GENERATION, LEARNING, TrainerSettings())
    rules = LearningRules(WEIGHTS, False, ContentIndex())
    count_history(state, gather(history, state, rules), rules)
    world.send(*[{"user_id": e.user_id, "item_id": e.item_id, "timestamp": e.timestamp} for e in history])
    trainer = world.trainer(max_batch=7)
    trainer.step(300 // 7 + 1)
    assert {name: array.tolist() for name, array in state.same_day.arrays().items()} == {
        name: array.tolist() for name, array in trainer.state.same_day.arrays().items()
    }


def test_a_checkpoint_of_before_there_were_such_counts_opens_without_them(world: World) -> None:
    world.send(*on_days((1, "u", "a"), (1, "u", "b")))
    trainer = world.trainer()
    trainer.step()
    whole = to_checkpoint(trainer.state, {})
    tensors = {name: tensor for name, tensor in whole.tensors.items() if not name.startswith("same_day/")}
    state = TrainerState(GENERATION, LEARNING, TrainerSettings())
    restore(state, Checkpoint(tensors, whole.state))
    assert state.same_day.arrays()["days"].tolist() == []
    assert state.covisitation.n_items > 0
