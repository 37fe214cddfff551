"""Sample ratio: an alarm where users get lost, and none where they do not, however often one looks."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.sample_ratio import ALARM, chi_square_p_value, sequential_p_value


@given(counts=st.lists(st.integers(0, 5000), min_size=2, max_size=6), seed=st.integers(0, 99))
def test_one_look_is_pearsons(counts: list[int], seed: int) -> None:
    weights = np.random.default_rng(seed).uniform(0.5, 3, len(counts)).tolist()
    if sum(counts):
        wanted = np.array(weights) / sum(weights) * sum(counts)
        assert chi_square_p_value(counts, weights) == pytest.approx(
            scipy.stats.chisquare(counts, wanted).pvalue
        )
    else:
        assert chi_square_p_value(counts, weights) == sequential_p_value(counts, weights) == 1.0


def test_looks_after_every_user_give_hardly_a_false_alarm() -> None:
    chance = np.random.default_rng(9)
    n_alarms = n_fixed = 0
    for _ in range(200):
        firsts = np.cumsum(chance.random(1500) < 1 / 3)
        looks = [([int(firsts[n - 1]), n - int(firsts[n - 1])], [1, 2]) for n in range(10, 1501, 10)]
        n_alarms += any(sequential_p_value(*look) < 0.05 for look in looks)
        n_fixed += any(chi_square_p_value(*look) < 0.05 for look in looks)
    assert n_alarms <= 10
    assert n_fixed > 40  # what the sequential one is for


def test_lost_users_are_found() -> None:
    # One in twenty of the variant's users is lost.
    assert sequential_p_value([20_000, 19_000], [1, 1]) < ALARM
    assert sequential_p_value([20_000, 20_000], [1, 1]) == 1.0
    assert sequential_p_value([0, 200], [1, 1]) < ALARM


@given(counts=st.lists(st.integers(0, 10**9), min_size=2, max_size=5), factor=st.floats(0.01, 100))
def test_only_proportions_of_weights_count(counts: list[int], factor: float) -> None:
    weights = [1.0 + number for number in range(len(counts))]
    found = sequential_p_value(counts, weights)
    assert 0 <= found <= 1
    scaled = sequential_p_value(counts, [weight * factor for weight in weights])
    # Logarithms of factorials of 10^9 have an error of some 10^-6.
    assert scaled == pytest.approx(found, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "weights"),
    [([5], [1]), ([1, 2], [1]), ([-1, 2], [1, 1]), ([1, 2], [0, 1]), ([1, 2], [math.nan, 1]), ([], [])],
)
def test_what_is_no_count_or_weight_is_named(counts: list[int], weights: list[float]) -> None:
    for p_value in (chi_square_p_value, sequential_p_value):
        with pytest.raises(InvalidInput, match="wanted"):
            p_value(counts, weights)
