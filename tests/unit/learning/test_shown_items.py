from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from streamrec.learning.learner import Learner
from streamrec.settings.processes import LearningSettings
from tests.builders import World, events

OFF = LearningSettings(embedding_dim=8, n_negatives=20, n_replay_sampled=500, n_shown_negatives=0)
ON = OFF.model_copy(update={"n_shown_negatives": 4})
N_USERS, N_ITEMS = 30, 60

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


def stream(n: int, seed: int = 1, shown: float = 0.5) -> tuple[Rows, Rows, Floats]:
    """Return users, items and weights, of which so many are impressions."""
    random = np.random.default_rng(seed)
    weights = np.where(random.random(n) < shown, -1, 1).astype(np.float32)
    return random.integers(0, N_USERS, n), random.integers(0, N_ITEMS, n), weights


def warm(settings: LearningSettings = ON, n: int = 600) -> Learner:
    learner = Learner(settings)
    learn(learner, *stream(n, shown=0))
    return learner


def learn(learner: Learner, users: Rows, items: Rows, weights: Floats) -> None:
    learner.learn(users, items, weights, np.arange(len(users), dtype=np.float64))


def one(learner: Learner, user: int, item: int, weight: float = 1.0) -> None:
    learn(learner, np.array([user]), np.array([item]), np.array([weight], np.float32))


def tensors_of(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in learner.state_tensors().items()}


def logit(learner: Learner, user: int, item: int) -> float:
    return float(learner.model.logits(torch.tensor([user]), torch.tensor([item])))


def unknown_to(learner: Learner, user: int) -> list[int]:
    """Return items that a user has not chosen, the best ranked first."""
    is_known = learner.known_among(user, np.arange(N_ITEMS))
    return sorted(np.flatnonzero(~is_known).tolist(), key=lambda item: -logit(learner, user, item))


def test_what_was_shown_and_passed_over_falls_beside_a_control() -> None:
    falls = []
    for seed in range(20):
        pair = [warm(ON.model_copy(update={"seed": seed})) for _ in range(2)]
        user = seed % N_USERS
        first, *_, last = unknown_to(pair[0], user)
        one(pair[0], user, first, -1)
        for learner in pair:
            one(learner, user, last)
        falls.append(logit(pair[1], user, first) - logit(pair[0], user, first))
    assert np.mean(falls) > 0
    assert np.mean(np.array(falls) > 0) > 0.7


def test_without_impressions_the_model_is_the_same_bit_for_bit_and_off_it_takes_no_memory() -> None:
    off, on, columns = Learner(OFF), Learner(ON), stream(800, shown=0)
    for learner in (off, on):
        learn(learner, *columns)
    assert on.state_tensors().keys() - off.state_tensors().keys() == {"shown.rings", "shown.counts"}
    for name, tensor in off.state_tensors().items():
        assert torch.equal(tensor, on.state_tensors()[name]), name


@pytest.mark.parametrize("batch", [1, 7, 256])
def test_batches_of_any_size_give_the_same_model_bit_for_bit(batch: int) -> None:
    at_once, in_batches, (users, items, weights) = Learner(ON), Learner(ON), stream(1500)
    learn(at_once, users, items, weights)
    times = np.arange(1500, dtype=np.float64)
    for first in range(0, 1500, batch):
        at = slice(first, first + batch)
        in_batches.learn(users[at], items[at], weights[at], times[at])
    for name, tensor in at_once.state_tensors().items():
        if not name.startswith("recent."):  # rings grow in other steps
            other = in_batches.state_tensors()[name]
            n_rows = min(len(tensor), len(other)) if name.startswith("shown.") else len(tensor)
            assert torch.equal(tensor[:n_rows], other[:n_rows]), name


def test_newest_items_are_kept_until_the_next_choice_each_once_and_none_that_is_known() -> None:
    learner = warm()
    user = 3
    a, b, c, d, e, *_ = unknown_to(learner, user)
    known = int(np.flatnonzero(learner.known_among(user, np.arange(N_ITEMS)))[0])
    for item in (a, b, c, d, known, c, e):
        one(learner, user, item, -1)
    assert learner.shown.items_of(user) == [e, c, d]  # c left an empty place behind
    assert learner.shown.items_of(user + 1) == []
    one(learner, user, b)
    assert learner.shown.items_of(user) == []


def test_a_million_impressions_of_one_user_change_nothing_but_the_ring() -> None:
    learner = warm()
    before = tensors_of(learner)
    items = np.random.default_rng(5).integers(0, N_ITEMS, 1_000_000)
    learn(learner, np.full(len(items), 2), items, np.full(len(items), -1, np.float32))
    after = learner.state_tensors()
    assert [name for name in before if not torch.equal(before[name], after[name])] == [
        "shown.rings",
        "shown.counts",
    ]
    assert len(learner.shown.items_of(2)) <= 4


def test_who_has_chosen_nothing_and_what_nobody_chose_is_not_kept() -> None:
    learner = warm()
    learner.model.grow_to(N_USERS + 5, N_ITEMS + 5)
    one(learner, N_USERS + 2, 4, -1)
    one(learner, 2, N_ITEMS + 2, -1)
    assert learner.shown.items_of(N_USERS + 2) == []
    assert learner.shown.items_of(2) == []


def test_erased_users_deleted_items_and_retracted_pairs_are_forgotten() -> None:
    learner = warm()
    items = {user: unknown_to(learner, user)[:2] for user in (1, 2, 3)}
    for user, (first, second) in items.items():
        one(learner, user, first, -1)
        one(learner, user, second, -1)
    learner.forget_users(np.array([1]))
    learner.forget_pairs(np.array([2]), np.array([items[2][0]]))
    learner.forget_items(np.array([items[3][1]]))
    assert learner.shown.items_of(1) == []
    assert learner.shown.items_of(2) == [items[2][1]]
    assert learner.shown.items_of(3) == [items[3][0]]


def test_learning_goes_on_bit_for_bit_after_a_restart() -> None:
    straight, restarted = Learner(ON), Learner(ON)
    learn(straight, *stream(700))
    restarted.load_state_tensors(tensors_of(straight))
    for learner in (straight, restarted):
        learn(learner, *stream(300, seed=2))
    for name, tensor in straight.state_tensors().items():
        if not name.startswith(("recent.", "shown.")):
            assert torch.equal(tensor, restarted.state_tensors()[name]), name
    assert all(straight.shown.items_of(user) == restarted.shown.items_of(user) for user in range(N_USERS))


@pytest.mark.parametrize("before", [OFF, ON.model_copy(update={"n_shown_negatives": 9})])
def test_a_checkpoint_without_rings_or_with_others_begins_with_none(before: LearningSettings) -> None:
    old, new = warm(before), Learner(ON)
    new.load_state_tensors(tensors_of(old))
    item, other, *_ = unknown_to(new, 2)
    one(new, 2, other)
    one(new, 2, item, -1)
    assert new.shown.items_of(2) == [item]


@pytest.mark.parametrize("is_on", [True, False])
def test_the_trainer_takes_impressions_of_the_stream_and_keeps_them_over_a_restart(
    tmp_path: Path, is_on: bool
) -> None:
    world = World(tmp_path, learning=ON if is_on else OFF)
    trainer = world.trainer()
    world.send(*events(("u", "a"), ("v", "b"), ("v", "c")))
    trainer.step()
    before = tensors_of(trainer.state.learner)
    world.send(*events(("u", "b"), ("u", "never"), ("nobody", "b"), type="impression"))
    trainer.step()
    after = trainer.state.learner.state_tensors()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == ({"shown.rings", "shown.counts"} if is_on else set())
    trainer.finish()
    state = world.trainer(is_restored=True).state
    b = state.item_ids.row("b")
    assert state.learner.shown.items_of(state.user_ids.row("u")) == ([b] if is_on else [])
    assert "nobody" not in state.user_ids
    assert "never" not in state.item_ids


def test_impressions_stand_at_their_place_among_choices_of_one_batch(tmp_path: Path) -> None:
    sent = [("u", "a", "view"), ("v", "b", "view"), ("u", "b", "impression"), ("u", "c", "view")]
    sent += [("u", "b", "impression"), ("v", "c", "impression"), ("u", "b", "retract"), ("v", "a", "view")]
    sent += [("v", "c", "impression"), ("w", "a", "impression"), ("w", "a", "view")]
    of_trainers = []
    for n_at_once in (1, len(sent)):
        world = World(tmp_path / str(n_at_once), learning=ON)
        trainer = world.trainer()
        for first in range(0, len(sent), n_at_once):
            some = sent[first : first + n_at_once]
            world.send(*(event for user, item, type_ in some for event in events((user, item), type=type_)))
            trainer.step()
        of_trainers.append(trainer.state)
    alone, together = of_trainers
    for name, tensor in alone.learner.model.tensors().items():
        assert torch.equal(tensor, together.learner.model.tensors()[name]), name
    for state in of_trainers:
        shown = {id_: state.learner.shown.items_of(state.user_ids.row(id_)) for id_ in ("u", "v", "w")}
        assert shown == {"u": [], "v": [state.item_ids.row("c")], "w": []}
