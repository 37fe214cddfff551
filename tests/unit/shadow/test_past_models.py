import numpy as np
import pytest
import torch

from models.bounds import BIAS, ITEM_NORM
from streamrec.learning.learner import Learner
from streamrec.settings.processes import LearningSettings
from streamrec.shadow.past_models import PastModels

N_USERS, N_ITEMS = 20, 30
DAY_S = 86_400.0


class Learning:
    """A model that learns events by chance."""

    def __init__(self) -> None:
        self.learner = Learner(LearningSettings(embedding_dim=8))
        self._random = np.random.default_rng(1)
        self.learn(300)

    def learn(self, n: int, n_items: int = N_ITEMS) -> None:
        users, items = (self._random.integers(0, most, n) for most in (N_USERS, n_items))
        self.learner.learn(users, items, np.ones(n, np.float32), np.zeros(n))

    def scores(self, user: int) -> np.ndarray:
        model = self.learner.model
        items = model.items.rows[: model.items.n_rows]
        return np.asarray((items @ model.user_vectors(torch.tensor([user]))[0]).numpy())


def at_checkpoint(past: PastModels, now: float, *, is_passed: bool = True, n_evaluated: int = 2000) -> None:
    for _ in range(n_evaluated):
        past.scores(0, N_ITEMS, 0.0)
    past.note_checkpoint(now, is_passed=is_passed)


@pytest.fixture
def learning() -> Learning:
    return Learning()


def test_a_copy_scores_as_the_model_did_for_what_users_chose_last(learning: Learning) -> None:
    past = PastModels(learning.learner.model, now=0.0)
    for user in range(N_USERS):
        for scores in past.scores(user, N_ITEMS, 0.0).values():
            assert scores == pytest.approx(learning.scores(user), abs=0.01)
    learning.learn(300)
    assert any(
        np.abs(past.scores(user, N_ITEMS, 0.0)["day"] - learning.scores(user)).max() > 0.1
        for user in range(N_USERS)
    )


def test_what_is_newer_than_a_copy_comes_last_and_what_was_forgotten_too(learning: Learning) -> None:
    past = PastModels(learning.learner.model, now=0.0)
    learning.learn(300, n_items=N_ITEMS + 5)
    learning.learner.forget_items(np.array([3, N_ITEMS + 1]))
    scores = past.scores(1, N_ITEMS + 5, 0.0)["checkpoint"]
    assert np.flatnonzero(np.isneginf(scores)).tolist() == [3, *range(N_ITEMS, N_ITEMS + 5)]


def test_a_checkpoint_takes_the_place_of_the_last_only_if_it_passed(learning: Learning) -> None:
    past = PastModels(learning.learner.model, now=0.0)
    learning.learn(300)
    at_checkpoint(past, 1.0, is_passed=False)
    at_checkpoint(past, 2.0, n_evaluated=10)  # with those before: so many that were evaluated
    assert past.scores(1, N_ITEMS, 0.0)["checkpoint"] == pytest.approx(learning.scores(1), abs=0.01)
    assert past.scores(1, N_ITEMS, 0.0)["day"] != pytest.approx(learning.scores(1), abs=0.01)
    learning.learn(300)
    at_checkpoint(past, 3.0, n_evaluated=10)
    assert past.scores(1, N_ITEMS, 0.0)["checkpoint"] != pytest.approx(learning.scores(1), abs=0.01)


def test_the_day_begins_with_the_checkpoint_that_was_the_last(learning: Learning) -> None:
    past = PastModels(learning.learner.model, now=0.0)
    learning.learn(300)
    at_checkpoint(past, DAY_S - 1)
    of_checkpoint = past.scores(1, N_ITEMS, 0.0)["checkpoint"]
    of_day = past.scores(1, N_ITEMS, 0.0)["day"]
    assert of_day != pytest.approx(of_checkpoint)
    rows = past.scores(2, N_ITEMS, 0.0)["checkpoint"]
    at_checkpoint(past, DAY_S)
    assert past.scores(2, N_ITEMS, 0.0)["day"] == pytest.approx(rows)


def test_going_back_leaves_newer_and_forgotten_items_alone(learning: Learning) -> None:
    model = learning.learner.model
    before, squares = model.items.rows[:N_ITEMS].clone(), model.items.state[:N_ITEMS].clone()
    past = PastModels(model, now=0.0)
    learning.learn(500, n_items=N_ITEMS + 5)
    learning.learner.forget_items(np.array([3]))
    learned = model.items.rows[: N_ITEMS + 5].clone()
    past.go_back()
    kept = [row for row in range(N_ITEMS) if row != 3]
    # To half precision, whose last digit is of a 2048th.
    bound = max(ITEM_NORM, BIAS) / 2048
    assert torch.allclose(model.items.rows[kept], before[kept], rtol=1 / 1024, atol=bound / 1000)
    assert torch.equal(model.items.state[kept], squares[kept])
    others = [3, *range(N_ITEMS, N_ITEMS + 5)]
    assert torch.equal(model.items.rows[others], learned[others])


def test_a_model_without_items_is_held_against_nothing() -> None:
    model = Learner(LearningSettings(embedding_dim=8)).model
    past = PastModels(model, now=0.0)
    model.grow_to(1, 2)
    assert np.isneginf(past.scores(0, 2, 0.0)["checkpoint"]).all()
