"""Bootstrap: intervals as wide as theory says, and pairs that take away what users have in common."""

import math

import numpy as np
import pytest
import scipy.stats

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.bootstrap import mean_bounds, paired_difference, resampled_means


def test_bounds_are_as_wide_as_those_of_scipy() -> None:
    values = np.random.default_rng(1).exponential(1.0, 300)
    (low, high), *_ = mean_bounds(values[:, None], seed=2)
    by_scipy = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=5000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    assert low == pytest.approx(by_scipy.low, abs=0.015)
    assert high == pytest.approx(by_scipy.high, abs=0.015)


def test_columns_are_resampled_together() -> None:
    values = np.random.default_rng(1).random((50, 1))
    means = resampled_means(np.hstack([values, values + 1]), seed=4, n_resamples=200)
    assert means.shape == (200, 2)
    assert means[:, 1] - means[:, 0] == pytest.approx(np.ones(200))
    assert np.unique(means[:, 0]).size > 100


def test_pairs_find_what_is_lost_between_users() -> None:
    chance = np.random.default_rng(5)
    of_users = chance.normal(0, 10, 200)
    control, variant = of_users + chance.normal(0, 0.1, 200), of_users + 0.1 + chance.normal(0, 0.1, 200)
    found = paired_difference(control, variant, seed=6)
    assert found.interval[0] > 0
    assert found.p_value < 0.002
    assert scipy.stats.ttest_ind(control, variant).pvalue > 0.5


def test_pairs_that_do_not_differ_raise_as_many_false_alarms_as_accepted() -> None:
    chance = np.random.default_rng(7)
    n_alarms = 0
    for seed in range(300):
        control, variant = chance.normal(0, 1, (2, 100))
        n_alarms += paired_difference(control, variant, seed, n_resamples=500).p_value < 0.1
    assert 10 < n_alarms < 52  # 30 expected, 4 standard deviations are 21


def test_blocks_of_resamples_are_bounded_and_change_nothing_of_the_shape() -> None:
    values = np.random.default_rng(8).random((5000, 2))
    assert resampled_means(values, seed=9, n_resamples=1700).shape == (1700, 2)
    assert np.array_equal(resampled_means(values, 9, 10), resampled_means(values, 9, 10))


def test_one_user_has_a_mean_and_no_spread() -> None:
    assert mean_bounds([[2.5]], seed=1) == [(2.5, 2.5)]


def test_what_can_not_be_resampled_is_named() -> None:
    with pytest.raises(InvalidInput, match="0 values"):
        mean_bounds(np.empty((0, 2)), seed=1)
    with pytest.raises(InvalidInput, match="not finite"):
        mean_bounds([[1.0], [math.nan]], seed=1)
    with pytest.raises(InvalidInput, match="same users"):
        paired_difference([1.0, 2.0], [1.0], seed=1)
    with pytest.raises(InvalidInput, match="shape"):
        resampled_means([1.0, 2.0], seed=1)
