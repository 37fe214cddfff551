"""Tests for one look: the same as those of scipy and statsmodels."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_confint

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.multiplicity import holm
from streamrec.experiments.statistics.power import Spread, detectable, n_for, n_for_sequence, power
from streamrec.experiments.statistics.rank_test import mann_whitney
from streamrec.experiments.statistics.shares import sign_test, wilson

values = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=40)


@given(a=values, b=values)
def test_ranks_are_compared_as_scipy_does(a: list[float], b: list[float]) -> None:
    found = mann_whitney(a, b)
    by_scipy = scipy.stats.mannwhitneyu(b, a, alternative="two-sided", method="asymptotic")
    assert found.u == by_scipy.statistic
    if len({*a, *b}) > 1:
        assert found.p_value == pytest.approx(by_scipy.pvalue)
    else:
        assert found.p_value == 1.0
    assert found.superiority == pytest.approx(1 - mann_whitney(b, a).superiority)


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [math.inf]])
def test_values_that_can_not_be_ranked_are_named(bad: list[float]) -> None:
    with pytest.raises(InvalidInput, match="variant: "):
        mann_whitney([1.0, 2.0], bad)


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    _, by_statsmodels, _, _ = multipletests(p_values, method="holm")
    assert holm(p_values) == pytest.approx(by_statsmodels)


def test_what_is_no_p_value_is_named() -> None:
    assert holm([]).tolist() == []
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(InvalidInput, match="from 0 to 1"):
            holm([0.5, bad])


@given(n_yes=st.integers(0, 300), n_no=st.integers(0, 300), alpha=st.sampled_from([0.01, 0.05, 0.2]))
def test_intervals_of_shares_are_those_of_statsmodels(n_yes: int, n_no: int, alpha: float) -> None:
    n = n_yes + n_no
    if n:
        expected = proportion_confint(n_yes, n, alpha, method="wilson")
        assert wilson(n_yes, n, alpha) == pytest.approx(expected, abs=1e-12)
    else:
        assert wilson(0, 0, alpha) == (0.0, 1.0)


@given(more=st.integers(0, 200), less=st.integers(0, 200))
def test_the_sign_test_is_exact(more: int, less: int) -> None:
    expected = scipy.stats.binomtest(more, more + less).pvalue if more + less else 1.0
    assert sign_test(more, less) == pytest.approx(expected)


def test_power_is_that_of_statsmodels() -> None:
    by_statsmodels = NormalIndPower()
    for effect, n, ratio in ((0.1, 500, 1.0), (0.3, 80, 0.5), (0.02, 10_000, 2.0)):
        found = power(effect, Spread(1.0, 1.0), n, n * ratio, 0.01)
        assert found == pytest.approx(by_statsmodels.power(effect, n, 0.01, ratio), abs=1e-9)
        n_needed = by_statsmodels.solve_power(effect, None, 0.05, 0.9, ratio)
        assert abs(n_for(effect, Spread(1.0, 1.0), 0.05, 0.9, ratio) - n_needed) < 1.01


@given(
    uplift=st.floats(0.01, 2),
    deviation=st.floats(0.1, 5),
    n=st.integers(2, 10**6),
    more=st.integers(1, 10**6),
)
def test_more_users_find_more(uplift: float, deviation: float, n: int, more: int) -> None:
    spread = Spread(deviation, deviation)
    assert power(uplift, spread, n, n) <= power(uplift, spread, n + more, n + more) + 1e-12
    assert detectable(spread, n, n) > detectable(spread, n + more, n + more)
    assert power(detectable(spread, n, n), spread, n, n) == pytest.approx(0.8, abs=1e-3)
    assert n_for(uplift, spread) <= n_for_sequence(uplift, spread) < 3 * n_for(uplift, spread)


def test_what_power_can_not_be_worked_out_of_is_named() -> None:
    with pytest.raises(InvalidInput, match="uplift"):
        n_for(0.0, Spread(1.0, 1.0))
    with pytest.raises(InvalidInput, match="standard deviations"):
        power(0.1, Spread(0.0, 0.0), 10, 10)
    with pytest.raises(InvalidInput, match="users"):
        power(0.1, Spread(1.0, 1.0), 0, 10)
    with pytest.raises(InvalidInput, match="power"):
        detectable(Spread(1.0, 1.0), 10, 10, 0.05, 1.0)


def test_samples_of_the_wrong_size_are_no_array_of_another() -> None:
    assert mann_whitney(np.array([1]), np.array([2])).u == 1.0
