"""Confidence sequences: right by simulation, narrow where planned to be, and exact where they can be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.means import Difference
from streamrec.experiments.statistics.sequences import (
    best_rho,
    reach_in_errors,
    sequence_bounds,
    sequence_p_value,
    share_bounds,
    share_p_value,
)


def found(uplift: float, error: float, n: int) -> Difference:
    return Difference(uplift, error, n, n - 2.0, 1.0, error**2 / 2, error**2 / 2, 1.0)


def test_the_formula_is_that_of_the_paper() -> None:
    # Theorem 2.2 there, for a deviation of 2 after 400 users.
    n, rho, alpha = 400, best_rho(1000, 0.05), 0.05
    by_hand = 2 * math.sqrt(
        2 * (n * rho**2 + 1) / (n**2 * rho**2) * math.log(math.sqrt(n * rho**2 + 1) / alpha)
    )
    low, high = sequence_bounds(found(1.0, 2 / math.sqrt(n), n), alpha, 1000)
    assert (high - low) / 2 == pytest.approx(by_hand)
    assert (low + high) / 2 == pytest.approx(1.0)


@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.2])
def test_a_sequence_is_narrowest_where_it_was_planned_to_be(alpha: float) -> None:
    at_plan = reach_in_errors(1000, alpha, 1000)
    others = [reach_in_errors(1000, alpha, planned) for planned in np.geomspace(10, 100_000, 81)]
    # The paper's parameter is the optimum but for a term that vanishes.
    assert at_plan < min(others) * 1.001
    assert reach_in_errors(1000, alpha, 100) / at_plan < 1.2


@given(uplift=st.floats(-1, 1), error=st.floats(0.001, 1), n=st.integers(4, 10**9))
def test_the_p_value_is_small_exactly_when_the_sequence_leaves_0(uplift: float, error: float, n: int) -> None:
    low, high = sequence_bounds(found(uplift, error, n), 0.05)
    p_value = sequence_p_value(found(uplift, error, n), 0.05)
    assert 0 <= p_value <= 1
    if abs(p_value - 0.05) > 1e-9:
        assert (p_value < 0.05) == (low > 0 or high < 0)


@given(n=st.integers(4, 10**6), factor=st.integers(2, 100))
def test_sequences_grow_narrower_and_never_as_narrow_as_a_fixed_look(n: int, factor: int) -> None:
    widths = [reach_in_errors(many, 0.05) / math.sqrt(many) for many in (n, n * factor)]
    assert widths[1] < widths[0]
    assert reach_in_errors(n, 0.05) > 1.96


def test_looks_at_any_time_give_no_more_false_alarms_than_accepted() -> None:
    chance = np.random.default_rng(7)
    n, streams = 5000, 1000
    sums = np.cumsum(chance.standard_normal((streams, n), np.float32), axis=1)
    times = np.arange(1, n + 1)
    reach = np.array([reach_in_errors(many, 0.05, n) for many in range(1, n + 1)])
    alarms = (np.abs(sums) > reach * np.sqrt(times)).any(axis=1).mean()
    # A fixed look's 1.96 cries wolf in most of the streams, and that is what the sequence is for.
    assert alarms < 0.05
    assert (np.abs(sums[:, 99:]) > 1.96 * np.sqrt(times[99:])).any(axis=1).mean() > 0.3


def test_shares_hold_at_any_time_exactly() -> None:
    chance = np.random.default_rng(8)
    wins = np.cumsum(chance.random((400, 300)) < 0.5, axis=1)
    n_alarms = sum(
        any(share_p_value(int(won), n - int(won)) <= 0.1 for n, won in enumerate(stream, start=1))
        for stream in wins
    )
    assert 0 < n_alarms <= 40


@given(n_yes=st.integers(0, 10**6), n_no=st.integers(0, 10**6), alpha=st.sampled_from([0.001, 0.05, 0.3]))
def test_bounds_of_a_share_are_where_its_test_refuses(n_yes: int, n_no: int, alpha: float) -> None:
    low, high = share_bounds(n_yes, n_no, alpha)
    assert 0 <= low <= high <= 1
    if n_yes + n_no:
        assert low <= n_yes / (n_yes + n_no) <= high
    p_value = share_p_value(n_yes, n_no)
    if abs(p_value - alpha) > 1e-6:
        assert (p_value < alpha) == (not low < 0.5 < high)


def test_what_is_no_probability_or_count_is_named() -> None:
    with pytest.raises(InvalidInput, match="alpha 0"):
        best_rho(100, 0)
    with pytest.raises(InvalidInput, match="planned users"):
        best_rho(math.nan, 0.05)
    with pytest.raises(InvalidInput, match="at least 0"):
        share_p_value(-1, 3)
