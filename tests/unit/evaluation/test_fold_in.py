import numpy as np
import pytest

from streamrec.domain.ranking.prequential import Events
from streamrec.evaluation.fold_in import FoldInRanker, folded_in
from streamrec.learning.learner import Learner
from streamrec.settings.processes import LearningSettings

SMALL = LearningSettings(embedding_dim=8, n_negatives=20)


def groups(n: int = 3000, seed: int = 0) -> Events:
    """Even users choose even items, odd users odd ones."""
    random = np.random.default_rng(seed)
    users = random.integers(0, 60, n)
    items = 2 * random.integers(0, 30, n) + users % 2
    return Events(users, items, np.arange(n, dtype=np.float64), np.ones(n, np.float32))


def one_event(user: int, item: int) -> Events:
    return Events(np.array([user]), np.array([item]), np.zeros(1), np.ones(1, np.float32))


def ranker() -> FoldInRanker:
    learned = FoldInRanker(Learner(SMALL))
    learned.learn(groups())
    return learned


def test_a_solution_makes_the_weighted_squares_smallest() -> None:
    random = np.random.default_rng(1)
    others, own = (random.normal(size=(n, 5)).astype(np.float32) for n in (40, 3))
    gram = others.T @ others
    solution = folded_in(own, gram)

    def cost(vector: np.ndarray) -> float:
        fading = 0.8 ** np.array([2, 1, 0])
        # (1 + C)/C times the wish at confidence C is the minimum's condition written as squares.
        wish = 11 / 10
        missed = 10 * fading * (wish - own @ vector) ** 2
        return float(missed.sum() + ((others @ vector) ** 2).sum() + 30 * (vector**2).sum())

    least = cost(solution)
    for _ in range(50):
        assert cost(solution + 0.05 * random.normal(size=5)) > least


def test_two_clicks_rank_their_group_first() -> None:
    folding = ranker()
    for item in (4, 10):
        folding.learn(one_event(70, item))
    scores = folding.scores(70, 60)
    assert np.isfinite(scores).all()
    assert scores[0::2].mean() > scores[1::2].mean() + 0.5


def test_an_unknown_user_gets_the_biases_and_unknown_items_come_last() -> None:
    folding = ranker()
    biases = folding._learner.model.items.rows[:60, -1].numpy()
    scores = folding.scores(500, 70)
    np.testing.assert_allclose(scores[:60], biases, rtol=1e-6)
    assert np.isneginf(scores[60:]).all()


@pytest.mark.parametrize("one_item", [True, False])
def test_odd_streams_leave_finite_scores(one_item: bool) -> None:
    folding = FoldInRanker(Learner(SMALL))
    random = np.random.default_rng(3)
    for _ in range(4):
        items = np.zeros(1000, np.int64) if one_item else random.integers(0, 500, 1000)
        folding.learn(Events(np.zeros(1000, np.int64), items, np.zeros(1000), np.ones(1000, np.float32)))
    assert np.isfinite(folding.scores(0, 1)).all()
