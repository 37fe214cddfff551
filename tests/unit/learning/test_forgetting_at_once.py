"""Deletions and erasures of a batch are carried out at once, and come to what they would one by one."""

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from streamrec.domain.items.item import Item
from streamrec.learning.state.pending import Pending
from streamrec.learning.state.stored_state import to_checkpoint
from streamrec.learning.state.trainer_state import TrainerState
from tests.builders import RunningTrainer, World, events

N_USERS, N_ITEMS = 60, 90


def learned(folder: Path) -> TrainerState:
    """Return the same state each time."""
    folder.mkdir()
    world, chance = World(folder), np.random.default_rng(1)
    pairs = zip(chance.integers(0, N_USERS, 2000), chance.integers(0, N_ITEMS, 2000) ** 2 // 90, strict=True)
    world.send(*events(*[(f"u{user}", f"i{item}") for user, item in pairs]))
    trainer = world.trainer()
    trainer.step(3)
    trainer.finish()
    return trainer.state


@pytest.mark.parametrize("seed", range(3))
def test_many_at_once_leave_what_one_after_the_other_leave(tmp_path: Path, seed: int) -> None:
    at_once, one_by_one = learned(tmp_path / "a"), learned(tmp_path / "b")
    chance = np.random.default_rng(seed)
    # Strangers among them, and some twice.
    items = [f"i{number}" for number in chance.integers(0, N_ITEMS + 20, 40)]
    users = [f"u{number}" for number in chance.integers(0, N_USERS + 20, 30)]
    of_all, of_each = Pending(), Pending()
    at_once.forget_items(items)
    of_all.forget_users(users, at_once.forget_users(users))
    for item_id in items:
        one_by_one.forget_items([item_id])
    for user_id in users:
        of_each.forget_users([user_id], one_by_one.forget_users([user_id]))
    assert of_all.forgotten_users == of_each.forgotten_users
    found, expected = (to_checkpoint(state, {}) for state in (at_once, one_by_one))
    assert found.state == expected.state
    assert found.tensors.keys() == expected.tensors.keys()
    for name, tensor in found.tensors.items():
        wanted = expected.tensors[name].numpy()
        if name.startswith("popularity/counts"):  # differences, taken in another order
            assert tensor.numpy() == pytest.approx(wanted, abs=1e-9), name
        else:
            assert np.array_equal(tensor.numpy(), wanted), name
    assert np.array_equal(at_once.dirty_neighbours.since(), one_by_one.dirty_neighbours.since())
    assert not {*items, *users} & {*at_once.item_ids.living(), *at_once.user_ids.living()}


def after_commands(
    folder: Path, commands: list[tuple[str, str]], stored: list[Item], batch: int
) -> RunningTrainer:
    folder.mkdir()
    world = World(folder)
    ids = ["anchor", *(f"i{number}" for number in range(20))]
    asyncio.run(world.store.put_items([Item(item_id, categories=("war",)) for item_id in ids]))
    world.send(*events(*[("u", item_id) for item_id in ids]))
    trainer = world.trainer(max_batch=batch)
    trainer.step(len(ids))
    for item_id in ids[1:]:
        asyncio.run(world.store.delete_item(item_id))
    asyncio.run(world.store.put_items(stored))
    for name, item_id in commands:
        world.command(name, item_id)
    trainer.step(len(commands) + 5)
    trainer.finish()
    return trainer


@pytest.mark.parametrize("seed", range(3))
def test_items_that_are_deleted_and_created_again_in_one_batch_end_as_in_many(
    tmp_path: Path, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    names = ["item_changed", "item_deleted"]
    commands = [(names[chance.integers(2)], f"i{chance.integers(25)}") for _ in range(100)]
    last = {item_id: name for name, item_id in commands}
    stored = [
        Item(item_id, categories=("war",), is_hidden=bool(chance.integers(4) == 0))
        for item_id, name in last.items()
        if name == "item_changed"
    ]
    trainers = [after_commands(tmp_path / str(n), commands, stored, n) for n in (1024, 1)]
    states = [trainer.state for trainer in trainers]
    living = [set(state.item_ids.living()) for state in states]
    assert living[0] == living[1]
    deleted = {item_id for name, item_id in commands if name == "item_deleted"}
    shown = {item.item_id for item in stored if not item.is_hidden}
    assert shown <= living[0]
    assert not living[0] & (deleted - last.keys() | {id_ for id_ in last if last[id_] == "item_deleted"})
    assert set(states[0].deleted_items) == set(states[1].deleted_items)
    assert states[0].hidden_items == states[1].hidden_items == {i.item_id for i in stored if i.is_hidden}
    offered = [
        {item_id for item_id, record in trainer.world.published_vectors().items() if record.vector}
        for trainer in trainers
    ]
    assert offered[0] == offered[1] >= shown


def seconds_of(trainer: RunningTrainer, name: str, item_ids: list[str]) -> float:
    for item_id in item_ids:
        trainer.world.command(name, item_id)
    started = time.process_time()
    assert trainer.loop.step() == len(item_ids)
    return time.process_time() - started


def test_a_batch_of_deletions_takes_little_longer_than_one(tmp_path: Path) -> None:
    world, n_items = World(tmp_path), 30_000
    trainer = world.trainer(max_batch=1024)
    world.send(*events(*[(f"u{number % 100}", f"i{number}") for number in range(n_items)]))
    while trainer.loop.step():
        pass
    assert len(trainer.state.item_ids) == n_items
    seconds_of(trainer, "item_deleted", ["i0"])  # compiled loops are loaded now
    alone = min(seconds_of(trainer, "item_deleted", [f"i{n}"]) for n in range(1, 4))
    together = seconds_of(trainer, "item_deleted", [f"i{n}" for n in range(1000, 2024)])
    assert len(trainer.state.item_ids) == n_items - 4 - 1024
    assert together < 50 * alone  # 1,024 times as long when each is searched for
    trainer.publisher.drain()
