import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.bounds import flaw_of
from streamrec.learning.learner import Learner
from streamrec.settings.processes import LearningSettings

SMALL = LearningSettings(embedding_dim=8, n_negatives=20, n_replay_sampled=500)


def ones(n: int) -> NDArray[np.float32]:
    return np.ones(n, np.float32)


def seconds(n: int, first: float = 0.0) -> NDArray[np.float64]:
    return first + 30.0 * np.arange(n, dtype=np.float64)


def stream(n: int, n_users: int = 50, n_items: int = 40, seed: int = 1) -> tuple[NDArray[np.int64], ...]:
    random = np.random.default_rng(seed)
    return random.integers(0, n_users, n), random.integers(0, n_items, n)


def learned(n: int = 300, settings: LearningSettings = SMALL) -> Learner:
    learner = Learner(settings)
    users, items = stream(n)
    learner.learn(users, items, ones(n), seconds(n))
    return learner


def tensors_of(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in learner.state_tensors().items()}


def test_only_touched_rows_change() -> None:
    learner = learned(settings=SMALL.model_copy(update={"n_replayed": 0, "least_drift": 0.0}))
    before = tensors_of(learner)
    outcome = learner.learn(np.array([3, 7]), np.array([5, 6]), ones(2), seconds(2))
    after = tensors_of(learner)
    assert outcome.touched_user_rows.tolist() == [3, 7]
    assert {5, 6} <= set(outcome.touched_item_rows.tolist())
    for rows, touched in (
        ("model.users.rows", outcome.touched_user_rows),
        ("model.items.rows", outcome.touched_item_rows),
    ):
        has_changed = (before[rows] != after[rows]).any(dim=1).numpy()
        untouched = np.setdiff1d(np.arange(len(has_changed)), touched)
        assert has_changed[touched].any()
        assert not has_changed[untouched].any()


def test_the_output_layer_survives_ten_thousand_events_while_embeddings_change() -> None:
    learner = learned()
    before = tensors_of(learner)
    users, items = stream(10_000, seed=2)
    for first in range(0, 10_000, 500):
        learner.learn(users[first : first + 500], items[first : first + 500], ones(500), seconds(500))
    after = learner.state_tensors()
    assert torch.equal(before["model.output"], after["model.output"])
    assert (before["model.users.rows"] != after["model.users.rows"]).any(dim=1).all()


@pytest.mark.parametrize("batch", [1, 64, 1024])
def test_batches_of_any_size_give_the_same_model_bit_for_bit(batch: int) -> None:
    n = 3000
    random = np.random.default_rng(3)
    users, items = random.integers(0, 90, n), (200 * random.random(n) ** 3).astype(np.int64)
    weights = random.choice(np.array([0.5, 1.0, 50.0], np.float32), n)
    at_once, in_batches = Learner(SMALL), Learner(SMALL)
    at_once.learn(users, items, weights, seconds(n))
    for first in range(0, n, batch):
        at = slice(first, first + batch)
        in_batches.learn(users[at], items[at], weights[at], seconds(n)[at])
    for name, tensor in at_once.state_tensors().items():
        if not name.startswith("recent."):  # rings grow in other steps
            assert torch.equal(tensor, in_batches.state_tensors()[name]), name


@pytest.mark.parametrize("weight", [5.0, 100.0])
def test_refitting_is_bounded_whatever_events_weigh(weight: float) -> None:
    learner = Learner(SMALL)
    random = np.random.default_rng(3)
    users, items = random.integers(0, 200, 5000), (300 * random.random(5000) ** 4).astype(np.int64)
    learner.remember(users, items, seconds(5000))
    losses = []
    for _ in range(4):
        learner.begin_refit()
        parts = [slice(first, first + 512) for first in range(0, 5000, 512)]
        outcomes = [
            learner.refit(
                users[at], items[at], np.full(len(users[at]), weight, np.float32), seconds(5000)[at], 1e-4
            )
            for at in parts
        ]
        losses.append(sum(outcome.loss for outcome in outcomes))
    assert flaw_of(learner.model.tensors()) is None
    assert losses[-1] < losses[0]


def test_a_smaller_pace_makes_smaller_steps() -> None:
    moved = []
    for pace in (1.0, 0.25):
        learner = learned()
        learner.pace = pace
        before = learner.model.users.rows[4].clone()
        learner.learn(np.array([4]), np.array([9]), ones(1), seconds(1))
        moved.append(float((learner.model.users.rows[4] - before).norm()))
    assert moved[1] < moved[0] / 2


def test_a_heavier_event_moves_the_user_further() -> None:
    moved = []
    for weight in (0.2, 1.0, 3.0):
        learner = learned()
        before = learner.model.users.rows[4].clone()
        learner.learn(np.array([4]), np.array([9]), np.array([weight], np.float32), seconds(1))
        moved.append(float((learner.model.users.rows[4] - before).norm()))
    assert moved[0] < moved[1] < moved[2]


def test_a_chosen_item_rises_for_its_user() -> None:
    learner = learned()
    user, item = torch.tensor([4]), torch.tensor([9])
    before = float(learner.model.logits(user, item))
    learner.learn(np.array([4]), np.array([9]), ones(1), seconds(1))
    assert float(learner.model.logits(user, item)) > before


def test_a_known_positive_is_never_a_negative() -> None:
    learner = Learner(SMALL)
    # One user who likes everything: nothing is left to stand against, so nothing can move.
    learner.remember(np.zeros(30, np.int64), np.arange(30), seconds(30))
    before = tensors_of(learner)
    outcome = learner.refit(np.zeros(30, np.int64), np.arange(30), ones(30), seconds(30))
    assert outcome.loss == pytest.approx(0, abs=1e-6)
    after = learner.state_tensors()
    torch.testing.assert_close(after["model.items.rows"], before["model.items.rows"])


def test_learning_goes_on_bit_for_bit_after_a_restart() -> None:
    settings = SMALL.model_copy(update={"n_replayed": 2, "n_replay_sampled": 90})
    straight, restarted = learned(settings=settings), Learner(settings)
    restarted.load_state_tensors(tensors_of(straight))
    users, items = stream(400, n_users=90, n_items=70, seed=5)
    for first in range(0, 400, 50):
        for learner in (straight, restarted):
            learner.learn(users[first : first + 50], items[first : first + 50], ones(50), seconds(50))
    for name, tensor in straight.state_tensors().items():
        assert torch.equal(tensor, restarted.state_tensors()[name]), name


def test_a_copied_state_does_not_follow_the_learner() -> None:
    learner = learned()
    other = Learner(SMALL)
    other.load_state_tensors(learner.state_tensors())
    before = tensors_of(other)
    users, items = stream(100, seed=8)
    learner.learn(users, items, ones(100), seconds(100))
    for name, tensor in other.state_tensors().items():
        assert torch.equal(tensor, before[name]), name


def test_order_of_a_users_events_within_a_batch_counts() -> None:
    margins = []
    for is_even_last in (False, True):
        learner = Learner(SMALL)
        random = np.random.default_rng(2)
        users = random.integers(0, 60, 3000)
        learner.learn(users, 2 * random.integers(0, 30, 3000) + users % 2, ones(3000), seconds(3000))
        items = np.concatenate([np.arange(1, 20, 2), np.arange(0, 20, 2)])[:: 1 if is_even_last else -1]
        learner.learn(np.full(20, 70), items.copy(), ones(20), seconds(20, first=1e5))
        logits = (
            learner.model.item_vectors(torch.arange(60)) @ learner.model.user_vectors(torch.tensor([70]))[0]
        )
        margins.append(float(logits[0::2].mean() - logits[1::2].mean()))
    assert margins[1] > margins[0] + 0.1


@pytest.mark.parametrize("loss", ["softmax", "bpr", "logistic"])
@pytest.mark.parametrize(
    ("n_users", "n_items", "weight"), [(1, 1, 1.0), (1, 500, 1.0), (500, 1, 1.0), (3, 3, 100.0)]
)
def test_odd_streams_leave_finite_vectors(loss: str, n_users: int, n_items: int, weight: float) -> None:
    learner = Learner(SMALL.model_copy(update={"loss": loss}))
    for seed in range(12):
        users, items = stream(1024, n_users, n_items, seed)
        learner.learn(users, items, np.full(1024, weight, np.float32), seconds(1024))
    vectors = torch.cat(
        [
            learner.model.user_vectors(torch.arange(n_users)),
            learner.model.item_vectors(torch.arange(n_items))[:, :9],
        ]
    )
    assert torch.isfinite(vectors).all()
    assert vectors.abs().max() < 1000


@pytest.mark.nightly
def test_a_million_events_of_one_user_stay_finite() -> None:
    learner = Learner(LearningSettings())
    random = np.random.default_rng(0)
    for _ in range(977):
        learner.learn(np.zeros(1024, np.int64), random.integers(0, 5000, 1024), ones(1024), seconds(1024))
    assert torch.isfinite(learner.model.user_vectors(torch.tensor([0]))).all()
    assert learner.model.items.rows.abs().max() < 1000


def test_a_new_item_starts_at_the_mean_of_its_neighbours() -> None:
    learner = learned()
    expected = learner.model.items.rows[[2, 5]].mean(dim=0)
    learner.start_item(60, np.array([2, 5]))
    assert torch.equal(learner.model.items.rows[60], expected)
    assert torch.equal(learner.model.past.rows[60], learner.model.past.rows[[2, 5]].mean(dim=0))
    assert learner.model.items.n_rows == 61


def test_forgetting_brings_rows_back_to_a_strangers() -> None:
    learner, fresh = learned(), Learner(SMALL)
    fresh.model.grow_to(50, 40)
    learner.forget_users(np.array([4]))
    learner.forget_items(np.array([9]))
    assert torch.equal(learner.model.users.rows[4], fresh.model.users.rows[4])
    assert torch.equal(learner.model.items.rows[9], fresh.model.items.rows[9])
    assert learner.recent_items(np.array([4]), 10)[0].tolist() == []
    everyone = np.arange(50)
    assert all(9 not in items.tolist() for items in learner.recent_items(everyone, 50))
    outcome = learner.learn(np.array([4]), np.array([3]), ones(1), seconds(1))
    assert 9 not in outcome.touched_item_rows.tolist()


def test_rows_that_do_not_exist_are_forgotten_without_effect() -> None:
    learner = learned()
    before = tensors_of(learner)
    learner.forget_users(np.array([10_000]))
    learner.forget_items(np.array([10_000]))
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.state_tensors().items())


def test_an_empty_batch_changes_nothing() -> None:
    learner = learned()
    before = tensors_of(learner)
    outcome = learner.learn(np.zeros(0, np.int64), np.zeros(0, np.int64), ones(0), seconds(0))
    assert len(outcome.touched_user_rows) == len(outcome.touched_item_rows) == 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.state_tensors().items())


def test_replay_teaches_users_again_what_they_chose_before() -> None:
    plain, replaying = learned(), Learner(SMALL.model_copy(update={"n_replayed": 5}))
    settled = Learner(SMALL.model_copy(update={"n_replayed": 0}))
    for learner in (replaying, settled):
        learner.load_state_tensors(tensors_of(plain))
        before = learner.model.users.rows.clone()
        learner.learn(np.array([4]), np.array([9]), ones(1), seconds(1, first=1e5))
        moved = (learner.model.users.rows != before).any(dim=1).nonzero().flatten().tolist()
        assert 4 in moved
        assert (len(moved) > 1) == (learner is replaying)


def test_what_was_forgotten_is_not_replayed() -> None:
    learner = learned()
    kept = learner.state_tensors()
    assert (kept["replay.users"] == 8).any()
    assert (kept["replay.items"] == 5).any()
    learner.forget_users(np.array([8]))
    learner.forget_items(np.array([5]))
    kept = learner.state_tensors()
    lives = kept["replay.items"] >= 0
    assert not (kept["replay.users"][lives] == 8).any()
    assert not (kept["replay.items"] == 5).any()
    assert not (kept["replay.context"][lives] == 5).any()


def test_the_memory_of_past_events_is_bounded_and_a_fair_sample() -> None:
    learner = Learner(SMALL.model_copy(update={"n_replay_newest": 50}))
    for first in range(0, 20_000, 1000):
        items = np.arange(first, first + 1000)
        learner.learn(items % 70, items, ones(1000), seconds(1000, first))
    kept = learner.state_tensors()["replay.items"]
    assert len(kept) == 550
    assert sorted(kept[:50].tolist()) == list(range(19_950, 20_000))
    # Numbers of uniform chance: their mean is 10,000, give or take four standard errors.
    assert abs(float(kept[50:].double().mean()) - 10_000) < 4 * 20_000 / 12**0.5 / 500**0.5


def test_without_a_context_users_are_their_own_rows_and_nothing_else_is_kept() -> None:
    learner = learned(settings=SMALL.model_copy(update={"n_context": 0}))
    vectors = learner.model.user_vectors(torch.arange(50))
    assert torch.equal(vectors[:, :-1], learner.model.users.rows[:50] * learner.model.output)
    assert not any("model.context" in name for name in learner.state_tensors())


def test_two_clicks_rank_their_group_first() -> None:
    learner = Learner(SMALL)
    random = np.random.default_rng(2)
    users = random.integers(0, 60, 3000)
    learner.learn(users, 2 * random.integers(0, 30, 3000) + users % 2, ones(3000), seconds(3000))
    learner.learn(np.array([70, 70]), np.array([4, 10]), ones(2), seconds(2))
    vector = learner.model.user_vectors(torch.tensor([70]))[0]
    logits = learner.model.item_vectors(torch.arange(60)) @ vector
    assert torch.isfinite(vector).all()
    assert logits[0::2].mean() > logits[1::2].mean() + 0.5


def test_what_was_forgotten_is_in_nobodys_context() -> None:
    learner = learned()
    context = learner.model.context
    row = int(context.last(np.array([7]))[0][0, 0])
    learner.forget_items(np.array([row]))
    learner.forget_users(np.array([8]))
    past = learner.model.past_of(torch.arange(50))
    assert row not in past.items[past.shares > 0]
    for gone in learner.swept:
        gone.begin()
        gone.go_on()
    assert row not in context.last(np.arange(50))[0]
    assert (context.last(np.array([8]))[0] == -1).all()
    assert torch.isfinite(learner.model.user_vectors(torch.tensor([7, 8]))).all()


def test_a_context_of_another_length_goes_on_from_what_fits() -> None:
    long, short = learned(), Learner(SMALL.model_copy(update={"n_context": 3}))
    short.load_state_tensors(tensors_of(long))
    users = np.arange(50)
    items, times = short.model.context.last(users)
    all_items, all_times = long.model.context.last(users)
    assert np.array_equal(items, all_items[:, :3])
    assert np.array_equal(times, all_times[:, :3])
    short.learn(np.array([4]), np.array([9]), ones(1), seconds(1))


def test_items_long_before_weigh_less_as_the_gaps_of_the_stream_say() -> None:
    rare, busy = Learner(SMALL), Learner(SMALL)
    users = np.repeat(np.arange(50), 2)
    rare.learn(users, users % 40, ones(100), 86_400.0 * np.arange(100, dtype=np.float64))
    busy.learn(users, users % 40, ones(100), seconds(100))
    assert rare.model.context.scale_s == pytest.approx(2 * 86_400.0, rel=1e-3)
    assert busy.model.context.scale_s == pytest.approx(60.0, rel=1e-3)
    shares = []
    for learner in (rare, busy):
        learner.learn(np.array([60, 60]), np.array([1, 2]), ones(2), np.array([2e7, 2e7 + 3600.0]))
        shares.append(learner.model.context.of(torch.tensor([60])).shares[0, :2].tolist())
    assert shares[0][0] < 0.55
    assert shares[1][0] > 0.9


@pytest.mark.parametrize("times", [[0.0] * 40, [-1e18, 1e18] * 20, [1e9] * 20 + [2.5e9] * 20])
def test_times_of_any_kind_leave_finite_vectors(times: list[float]) -> None:
    learner = Learner(SMALL)
    random = np.random.default_rng(1)
    learner.learn(random.integers(0, 4, 40), random.integers(0, 9, 40), ones(40), np.array(times))
    assert torch.isfinite(learner.model.user_vectors(torch.arange(4))).all()
    assert flaw_of(learner.model.tensors()) is None


def test_refitting_begins_with_nothing_chosen() -> None:
    learner = learned()
    learner.begin_refit()
    assert (learner.model.context.last(np.arange(50))[0] == -1).all()


def test_a_robot_leaves_everybody_elses_numbers_sane() -> None:
    learner = learned(2000)
    random = np.random.default_rng(4)
    for n_choices in (1, 3, 40):
        for _ in range(4):
            learner.learn(np.full(1024, 3), random.integers(0, n_choices, 1024), ones(1024), seconds(1024))
    vectors = learner.model.user_vectors(torch.arange(50))
    assert torch.isfinite(vectors).all()
    assert max(vectors.abs().max(), learner.model.items.rows.abs().max()) < 1000
