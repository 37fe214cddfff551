"""Means and differences from sums: the same as scipy and statsmodels find from all values."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from streamrec.domain.experiments.outcomes import Moments
from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.means import difference, mean_interval, summary_of

Values = NDArray[np.float64]

numbers = st.lists(st.integers(-50, 50).map(float), min_size=2, max_size=30)


def moments(outcomes: Values, before: Values | None = None) -> Moments:
    y = np.zeros(len(outcomes)) if before is None else before
    sums = (outcomes.sum(), (outcomes**2).sum(), y.sum(), (y**2).sum(), (outcomes * y).sum())
    return Moments(len(outcomes), *map(float, sums))


def test_a_difference_is_that_of_welch() -> None:
    chance = np.random.default_rng(1)
    control, variant = chance.exponential(2.0, 80), chance.exponential(3.0, 130)
    found = difference(moments(control), moments(variant))
    assert found is not None
    by_scipy = scipy.stats.ttest_ind(variant, control, equal_var=False)
    assert found.p_value() == pytest.approx(by_scipy.pvalue)
    assert found.degrees == pytest.approx(by_scipy.df)
    by_statsmodels = CompareMeans(DescrStatsW(variant), DescrStatsW(control))
    assert found.interval(0.1) == pytest.approx(by_statsmodels.tconfint_diff(0.1, usevar="unequal"))
    assert mean_interval(moments(control), 0.02) == pytest.approx(DescrStatsW(control).tconfint_mean(0.02))


def test_an_adjusted_difference_is_that_of_a_regression() -> None:
    # With one slope for both variants, the adjusted difference is the coefficient of the variant.
    chance = np.random.default_rng(2)
    before = chance.normal(5, 2, 400)
    is_variant = chance.random(400) < 0.4
    outcomes = 1.5 * before + 0.5 * is_variant + chance.normal(0, 1, 400)
    sums = [moments(outcomes[part], before[part]) for part in (~is_variant, is_variant)]
    found = difference(*sums)
    assert found is not None
    columns = np.column_stack([np.ones(400), is_variant, before])
    coefficients, *_ = np.linalg.lstsq(columns, outcomes, rcond=None)
    assert found.uplift == pytest.approx(coefficients[1])
    assert found.cuped_ratio == pytest.approx(1 / (1 + 1.5**2 * 4), abs=0.02)
    low, high = found.interval()
    assert low < 0.5 < high


def test_a_covariate_that_says_nothing_costs_nothing() -> None:
    chance = np.random.default_rng(3)
    both = [moments(chance.normal(0, 1, 500), np.full(500, 7.0)) for _ in range(2)]
    found = difference(*both)
    assert found is not None
    assert found.cuped_ratio == pytest.approx(1.0)


def test_relative_intervals_hold_the_truth_as_often_as_they_say() -> None:
    chance = np.random.default_rng(4)
    n_held = 0
    for _ in range(1000):
        before = chance.normal(4, 1, (2, 200))
        outcomes = before * 0.5 + chance.normal(0, 1, (2, 200)) + np.array([[0.0], [0.4]])
        found = difference(moments(outcomes[0], before[0]), moments(outcomes[1], before[1]))
        assert found is not None
        interval = found.relative_interval(0.1)
        assert interval is not None
        n_held += interval[0] <= 0.4 / 2.0 <= interval[1]
    assert abs(n_held - 900) < 38  # 4 standard deviations


def test_a_share_of_the_control_is_compared() -> None:
    chance = np.random.default_rng(5)
    control, variant = chance.normal(10, 1, 300), chance.normal(9.7, 1, 300)
    found = difference(moments(control), moments(variant), keeping=0.98)
    assert found is not None
    by_scipy = scipy.stats.ttest_ind(variant, 0.98 * control, equal_var=False)
    assert found.p_value() == pytest.approx(by_scipy.pvalue)
    assert found.uplift == pytest.approx(float(variant.mean() - 0.98 * control.mean()))


@given(a=numbers, b=numbers, shift=st.integers(-100, 100), scale=st.integers(1, 20))
def test_units_and_origins_do_not_matter(a: list[float], b: list[float], shift: int, scale: int) -> None:
    found = difference(moments(np.array(a)), moments(np.array(b)))
    moved = difference(moments(np.array(a) * scale + shift), moments(np.array(b) * scale + shift))
    assert (found is None) == (moved is None)
    if found is not None and moved is not None:
        assert moved.uplift == pytest.approx(scale * found.uplift, abs=1e-9)
        assert moved.p_value() == pytest.approx(found.p_value(), abs=1e-6)


@given(a=numbers, b=numbers)
def test_the_other_way_round_is_the_opposite(a: list[float], b: list[float]) -> None:
    found = difference(moments(np.array(a)), moments(np.array(b)))
    back = difference(moments(np.array(b)), moments(np.array(a)))
    if found is not None and back is not None:
        assert found.interval() == pytest.approx(tuple(-one for one in reversed(back.interval())), abs=1e-9)


@given(a=numbers, b=numbers)
def test_less_doubt_makes_wider_intervals(a: list[float], b: list[float]) -> None:
    found = difference(moments(np.array(a)), moments(np.array(b)))
    if found is not None:
        (low, high), (lower, higher) = found.interval(0.1), found.interval(0.01)
        assert lower < low < high < higher


@pytest.mark.parametrize(
    ("control", "variant"),
    [
        (Moments(), Moments()),
        (Moments().plus(1.0), Moments().plus(2.0)),
        (Moments(5, 5.0, 5.0), Moments()),
        (Moments(3, 0.3, 0.03), Moments(3, 0.3, 0.03)),  # .1 three times, which is not exact
    ],
)
def test_of_too_few_or_equal_outcomes_nothing_is_said(control: Moments, variant: Moments) -> None:
    assert difference(control, variant) is None
    assert mean_interval(control) is None


def test_two_constants_are_compared_as_if_one_user_of_each_differed() -> None:
    zeros, ones = Moments(300), Moments(500, 500.0, 500.0)
    found = difference(zeros, ones)
    assert found is not None
    assert (found.uplift, found.cuped_ratio) == (1.0, 1.0)
    # One user of each who did as the other variant's do: a real difference of nearly the same error.
    with_one = difference(zeros.plus(1.0), ones.plus(0.0))
    assert with_one is not None
    assert found.standard_error == pytest.approx(with_one.standard_error, rel=0.05)
    tenths = [Moments(3, 3 * value, 3 * value * value) for value in (0.1, 0.1 + 1e-15)]
    assert difference(*tenths) is None, "one number, summed up differently"


def test_a_constant_beside_what_varies_is_compared() -> None:
    found = difference(Moments(100), moments(np.array([0.0, 1.0] * 50)))
    assert found is not None
    assert found.uplift == 0.5
    assert found.relative() is None
    assert found.relative_interval() is None


def test_an_outcome_that_is_its_covariate_leaves_nothing_to_say() -> None:
    values = np.arange(10.0)
    assert difference(moments(values, values), moments(values + 1, values + 1)) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["sum_x", "sum_xx", "sum_y", "sum_yy", "sum_xy"])
def test_sums_that_are_not_finite_are_named(bad: float, field: str) -> None:
    with pytest.raises(InvalidInput, match="not finite"):
        summary_of(Moments(3, **{field: bad}))


def test_sums_that_can_be_of_no_numbers_are_named() -> None:
    with pytest.raises(InvalidInput, match="sum of squares is too small"):
        summary_of(Moments(2, 10.0, 1.0))
    with pytest.raises(InvalidInput, match="alpha 5"):
        mean_interval(Moments(2, 1.0, 1.0), 5)


def test_huge_and_tiny_outcomes_are_no_accident() -> None:
    for scale in (1e-150, 1e150):
        found = difference(moments(np.array([1, 2, 3.0]) * scale), moments(np.array([2, 3, 4.0]) * scale))
        assert found is not None
        assert found.uplift == pytest.approx(scale)
