"""Simulated experiments: the better list is found, and what can't be tested is named."""

import numpy as np
import pytest

from lab.experiments.ab_test import ABRules, ab_test, assigned
from lab.experiments.click_model import ClickModel
from lab.experiments.multileaving import NO_ITEM, multileaved_credit, multileaving_report
from lab.experiments.planted import planted_attraction, planted_lists
from streamrec.errors import InvalidInput

N_USERS = 3000
USERS = [f"u{number}" for number in range(N_USERS)]


def test_the_better_list_of_three_is_found() -> None:
    random = np.random.default_rng(1)
    attraction = planted_attraction(N_USERS, 10, random)
    better = planted_attraction(N_USERS, 10, random, uplift=1.0)
    variants = {"control": attraction, "same": attraction, "better": better}
    report = ab_test(variants, assigned(USERS, 3, "x"), ClickModel(), ABRules("control"))
    by_name = {(test.variant, test.metric): test for test in report.tests}
    assert by_name["better", "ctr"].is_significant
    assert not by_name["same", "ctr"].is_significant
    assert by_name["better", "depth"].relative_uplift == pytest.approx(1.0, abs=0.25)
    assert by_name["better", "ctr"].superiority > 0.5
    interval = by_name["better", "depth"].relative_interval
    assert interval is not None
    assert interval[0] < 1.0 < interval[1]
    assert not report.sample_ratio_alarm
    assert sum(one.n_users for one in report.variants.values()) == N_USERS
    detectable = by_name["same", "depth"].detectable
    assert detectable is not None
    assert 0 < detectable < report.variants["control"].means["depth"]


def test_a_lost_part_of_a_variants_users_is_an_alarm() -> None:
    attraction = planted_attraction(N_USERS, 5, np.random.default_rng(2))
    assignment = assigned(USERS, 2, "x")
    kept = (assignment == 0) | (np.arange(N_USERS) % 5 > 0)
    variants = {"control": attraction[kept], "variant": attraction[kept]}
    report = ab_test(variants, assignment[kept], ClickModel(), ABRules("control"))
    assert report.sample_ratio_alarm


def test_experiments_assign_independently() -> None:
    one, other = assigned(USERS, 2, "x"), assigned(USERS, 2, "y")
    assert abs(one.mean() - 0.5) < 0.04
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.08


def test_what_can_not_be_compared_is_named() -> None:
    attraction = planted_attraction(4, 5, np.random.default_rng(3))
    for variants, message in (
        ({"control": attraction}, "and another"),
        ({"a": attraction, "b": attraction}, "'control'"),
        ({"control": attraction, "b": attraction}, "no user has b"),
    ):
        with pytest.raises(InvalidInput, match=message):
            ab_test(variants, np.zeros(4, np.int64), ClickModel(), ABRules("control"))
    with pytest.raises(InvalidInput, match="0 users"):
        multileaving_report(
            np.zeros((0, 2), np.int64), np.zeros(0, np.int64), ["control", "b"], ABRules("control")
        )


def test_mixed_lists_tell_the_better_ranking_from_the_worse() -> None:
    random = np.random.default_rng(4)
    planted = planted_lists(400, random)
    lists = {**planted.lists, "random": random.permuted(np.tile(np.arange(100), (400, 1)), axis=1)[:, :10]}
    model = ClickModel(max_lists=10)
    n_shown = model.lists_shown(400, random)
    credit = multileaved_credit(lists, n_shown, planted.of_items, model, 10, seed=5)
    report = multileaving_report(credit, n_shown, list(lists), ABRules("control", seed=6))
    of_random = next(test for test in report.tests if test.variant == "random")
    assert of_random.is_significant
    assert of_random.win_rate is not None
    assert of_random.win_rate < 0.5
    assert of_random.credit_interval[1] < 0
    assert report.credits["random"] < report.credits["control"]
    low, high = report.credit_intervals["control"]
    assert low < report.credits["control"] < high
    assert sum(report.wins.values()) + report.ties <= 400


def test_short_and_empty_lists_are_mixed_as_well() -> None:
    planted = planted_lists(3, np.random.default_rng(5), n_items=6, k=4)
    control = planted.lists["control"].copy()
    control[0] = NO_ITEM
    control[1, 2:] = NO_ITEM
    lists = {"control": control, "variant": np.full((3, 4), NO_ITEM)}
    n_shown = np.array([30, 30, 30])
    credit = multileaved_credit(lists, n_shown, planted.of_items, ClickModel(noise=0.0), 4, seed=1)
    assert credit[:, 1].sum() == 0
    assert credit[0].sum() == 0
