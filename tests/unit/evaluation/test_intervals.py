import numpy as np
import pytest

from streamrec.evaluation.intervals import gini, interval_over_users


def clustered(n_users: int, n_events: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return hits of users who differ in how easily they are guessed, and whose they are."""
    random = np.random.default_rng(seed)
    users = random.permutation(np.repeat(np.arange(n_users), random.integers(1, 2 * n_events, n_users)))
    return (random.random(len(users)) < random.beta(1, 4, n_users)[users]).astype(np.float64), users


def test_the_interval_is_that_of_drawing_users_again() -> None:
    values, users = clustered(200, 20, seed=0)
    hits, events = np.bincount(users, values), np.bincount(users)
    random = np.random.default_rng(1)
    drawn = random.integers(0, 200, (4000, 200))
    means = hits[drawn].sum(axis=1) / events[drawn].sum(axis=1)
    np.testing.assert_allclose(
        interval_over_users(values, users), np.quantile(means, [0.025, 0.975]), atol=0.005
    )


def test_it_holds_the_truth_as_often_as_it_says_where_the_binomials_does_not() -> None:
    is_inside, is_inside_binomial = [], []
    for seed in range(300):
        values, users = clustered(100, 20, seed)
        low, high = interval_over_users(values, users)
        reach = 1.96 * np.sqrt(values.mean() * (1 - values.mean()) / len(values))
        is_inside.append(low <= 0.2 <= high)
        is_inside_binomial.append(abs(values.mean() - 0.2) <= reach)
    assert np.mean(is_inside) > 0.91
    assert np.mean(is_inside_binomial) < 0.85


def test_independent_events_give_the_binomials() -> None:
    values = np.tile([1.0, 0.0, 0.0, 0.0], 250)
    low, high = interval_over_users(values, np.arange(1000))
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(0.25 * 0.75 / 1000), rel=0.01)


def test_nothing_is_known_of_nobody() -> None:
    assert interval_over_users(np.zeros(0), np.zeros(0, np.int64)) == (0, 1)
    assert interval_over_users(np.ones(9), np.zeros(9, np.int64)) == (0, 1)


def test_gini_is_half_the_mean_difference_over_the_mean() -> None:
    counts = np.random.default_rng(0).integers(0, 50, 40)
    difference = np.abs(counts[:, None] - counts).mean()
    assert gini(counts) == pytest.approx(difference / counts.mean() / 2)
    assert gini(np.zeros(5, np.int64)) == 0
