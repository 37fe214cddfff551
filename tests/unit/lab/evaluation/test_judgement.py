"""Judgement: who is judged by what, intervals and paired tests that can fail, guardrails."""

import numpy as np
import pytest

from lab.evaluation.bootstrap import estimate, means_of_resamples
from lab.evaluation.guardrails import broken_guardrails
from lab.evaluation.judgement import Bounds, judge, segments_of
from lab.evaluation.truth import Truth, truth_of
from lab.matrices.cells import CellRules
from streamrec.datasets.event_collector import EventCollector
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.read_report import ReadReport
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.bootstrap import difference_of, paired_difference

RULES = CellRules("count", {"click": 1.0, "impression": 0.0}, 0.0)
BOUNDS = Bounds(ks=(2,), light=2, heavy=3, n_resamples=500)


def events(*triples: tuple[str, str, str]) -> EventSet:
    collector = EventCollector()
    for n, (user, item, type_) in enumerate(triples):
        collector.add(n, Interaction(user, item, float(n), type_))
    return collector.finish("given", "", ReadReport())


def clicks(*pairs: tuple[str, str]) -> EventSet:
    return events(*((user, item, "click") for user, item in pairs))


CATALOG = [
    Item(item_id, categories=(category,)) for item_id, category in zip("abcdef", "xxyyzz", strict=True)
]


def made_truth(history: EventSet, test: EventSet) -> Truth:
    return truth_of(history, test, CATALOG, RULES)


def test_only_what_is_new_to_a_user_counts_and_only_what_was_chosen() -> None:
    truth = made_truth(
        clicks(("u", "a"), ("u", "a"), ("v", "b")),
        events(
            ("u", "a", "click"),  # known to u
            ("u", "c", "click"),
            ("u", "c", "click"),
            ("v", "d", "impression"),
            ("v", "b", "click"),  # known to v, who is left without anything
            ("new", "a", "click"),
            ("new", "unheard-of", "click"),
        ),
    )
    ids = truth.users.ids_at(range(truth.users.n_rows))
    chosen = {
        user: {truth.items.ids_at([column])[0] for column in truth.relevant[[row]].indices.tolist()}
        for row, user in enumerate(ids)
    }
    assert chosen == {"u": {"c"}, "new": {"a", "unheard-of"}}
    assert truth.relevant.max() == 1
    assert dict(zip(ids, truth.n_choices.tolist(), strict=True)) == {"u": 2, "new": 0}
    assert truth.n_history_users == 2
    rows = truth.items.rows_of(["a", "b", "unheard-of"])
    assert truth.n_users_of[rows].tolist() == [1, 1, 0]
    assert truth.n_events_of[rows].tolist() == [2, 1, 0]


def test_a_test_in_which_nobody_chose_anything_new_is_refused() -> None:
    with pytest.raises(InvalidInput, match="nobody chose anything new"):
        made_truth(clicks(("u", "a")), clicks(("u", "a")))


def test_models_are_judged_on_the_same_users_by_segment() -> None:
    history = clicks(*(("heavy", item) for item in "abc"), ("light", "a"), ("light", "b"), ("one", "a"))
    truth = made_truth(history, clicks(("heavy", "d"), ("light", "d"), ("one", "d"), ("none", "d")))
    n = truth.users.n_rows
    right, wrong = truth.items.row("d"), truth.items.row("e")
    good = np.tile([right, wrong], (n, 1))
    bad = np.tile([wrong, right], (n, 1))
    judgement = judge(truth, {"good": good, "bad": bad}, {"good": 0, "bad": 1}, BOUNDS)
    assert judgement.n_in_segment == {"new": 2, "light": 1, "heavy": 1}
    assert judgement.models["good"].metrics["ndcg_at_2"].mean == 1
    assert judgement.models["bad"].metrics["ndcg_at_2"].mean == pytest.approx(1 / np.log2(3))
    assert set(judgement.models["good"].segments) == {"new", "light", "heavy"}
    assert judgement.models["bad"].n_without_list == 1
    (comparison,) = judgement.comparisons
    assert (comparison.model, comparison.other, comparison.metric) == ("good", "bad", "ndcg_at_2")
    assert comparison.difference == pytest.approx(1 - 1 / np.log2(3))
    assert comparison.p_value < 0.01


def test_lists_that_are_too_short_for_a_metric_are_refused() -> None:
    truth = made_truth(clicks(("u", "a")), clicks(("u", "b")))
    with pytest.raises(InvalidInput, match=r"recommendations\.k"):
        judge(truth, {"one": np.array([[0]])}, {"one": 0}, BOUNDS)


def test_bounds_of_segments() -> None:
    in_segment = segments_of(np.array([0, 1, 2, 3, 9]), BOUNDS)
    assert {name: np.flatnonzero(is_in).tolist() for name, is_in in in_segment.items()} == {
        "new": [0, 1],
        "light": [2],
        "heavy": [3, 4],
    }


def test_an_interval_holds_the_mean_as_often_as_it_promises() -> None:
    rng = np.random.default_rng(5)
    n_held = 0
    for number in range(200):
        values = rng.exponential(1.0, 80)
        found = estimate(values, means_of_resamples(values[:, None], 400, number)[:, 0], alpha=0.1)
        n_held += found.low <= 1.0 <= found.high
    # 90 % wanted; the binomial of 200 leaves .83 to .95, and a skewed law costs the percentiles a little.
    assert 0.8 <= n_held / 200 <= 0.96


def test_a_paired_difference_is_seen_where_means_apart_say_nothing() -> None:
    rng = np.random.default_rng(6)
    of_users = rng.normal(0, 10, 300)  # users differ far more than models do
    both = np.stack([of_users + 0.2 + rng.normal(0, 0.5, 300), of_users + rng.normal(0, 0.5, 300)], axis=1)
    means = means_of_resamples(both, 1000, seed=1)
    one, other = (estimate(both[:, n], means[:, n], 0.05) for n in (0, 1))
    assert one.low < other.high
    assert other.low < one.high
    found = difference_of(float((both[:, 0] - both[:, 1]).mean()), means[:, 0] - means[:, 1])
    assert found.p_value < 0.01
    assert found.interval[0] > 0
    alone = paired_difference(both[:, 1], both[:, 0], seed=1, n_resamples=1000)
    assert found.p_value == alone.p_value
    assert found.interval == pytest.approx(alone.interval)
    assert difference_of(0.0, np.zeros(1000)).p_value == 1


def test_false_alarms_of_the_paired_test_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(7)
    n_alarms = 0
    for number in range(200):
        both = rng.random((60, 2))
        means = means_of_resamples(both, 200, number)
        n_alarms += difference_of(0.0, means[:, 0] - means[:, 1]).p_value < 0.05
    assert n_alarms / 200 <= 0.1


def test_a_value_that_is_not_known_is_left_out_of_the_mean() -> None:
    values = np.array([[1.0], [np.nan], [3.0]])
    means = means_of_resamples(values, 300, seed=2)[:, 0]
    found = estimate(values[:, 0], means, 0.05)
    assert found.mean == 2
    assert set(np.unique(means[~np.isnan(means)])) <= {1.0, 1.5, 5 / 3, 2.0, 7 / 3, 2.5, 3.0}


def test_guardrails_name_the_model_and_exempt_the_control() -> None:
    truth = made_truth(clicks(("u", "a"), ("v", "a")), clicks(("u", "b"), ("v", "c")))
    narrow = np.zeros((2, 2), np.int64)
    narrow[:] = truth.items.rows_of(["a", "b"])  # both of one category
    wide = np.stack([truth.items.rows_of(pair) for pair in (["a", "c"], ["e", "d"])])
    lists = {"popularity": narrow, "narrow": narrow, "wide": wide}
    judgement = judge(truth, lists, dict.fromkeys(lists, 0), BOUNDS)
    found = broken_guardrails(judgement, "popularity", min_coverage=0.5, min_diversity=0.6, k=2)
    assert found == [
        "guardrail: catalog_coverage_at_2 of narrow is 0.3333, below 0.5",
        "guardrail: category_diversity_at_2 of narrow is 0.5000, below 0.6",
    ]
    assert not broken_guardrails(judgement, "popularity", min_coverage=0.3, min_diversity=0.5, k=2)
