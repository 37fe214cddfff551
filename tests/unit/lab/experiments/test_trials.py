"""Trials: tests raise no more false alarms than accepted, and find what they promise to find."""

import pytest

from lab.experiments.design_trials import alike_mixed, exposures_needed
from lab.experiments.trials import Count, alike, peeked, planted_uplift


def test_a_count_tells_its_share() -> None:
    count = Count.among([True, False, False, False])
    assert (count.n, count.of, count.share) == (1, 4, 0.25)


def test_a_few_tests_of_lists_that_are_alike() -> None:
    found = alike(60, 400, seed=1)
    assert found.interval[0] <= 0.05
    assert found == alike(60, 400, seed=1)


def test_a_few_tests_of_a_planted_uplift() -> None:
    found = planted_uplift(30, seed=2)
    assert found.found.interval[1] >= found.promised
    assert found.found.share > 0.6


def test_a_few_streams_that_are_peeked_at() -> None:
    found = peeked(15, 4000, seed=3)
    assert found.decided.n <= 2
    assert found.sample_ratio.n == 0
    assert found.fixed.n >= found.decided.n


def test_a_few_users_of_mixed_lists_decide_what_takes_many_of_an_ab_test() -> None:
    found = exposures_needed(1, 15_000, seed=4)
    assert found.n_wrong == 0
    assert found.ratio["ctr"] < 0.2


@pytest.mark.nightly
def test_false_alarms_are_as_rare_as_accepted() -> None:
    # Of 200 trials with a chance of .05 each, more than 19 are seen once in 200 times.
    assert alike(200, 1000, seed=11).n <= 19
    peeks = peeked(200, 20_000, seed=12)
    assert peeks.decided.n <= 10
    assert peeks.sample_ratio.n <= 2
    assert peeks.fixed.n > 40
    assert alike_mixed(200, 1000, seed=13).n <= 10


@pytest.mark.nightly
def test_a_planted_uplift_is_found_as_often_as_promised() -> None:
    found = planted_uplift(200, seed=14)
    assert found.found.interval[0] <= found.promised + 0.05
    assert found.found.interval[1] >= found.promised


@pytest.mark.nightly
def test_mixed_lists_need_a_tenth_of_the_exposures() -> None:
    found = exposures_needed(10, 60_000, seed=15)
    assert found.ratio["ctr"] <= 0.1
    assert found.ratio["depth"] <= 0.2  # a tenth within what ten trials can tell
    assert found.n_wrong == 0
