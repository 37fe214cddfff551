"""Results: from sums to a report and a verdict, for experiments that go well, badly, or not at all."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from streamrec.domain.experiments.definition import INTERLEAVED, Experiment, Guardrail, Variant
from streamrec.domain.experiments.outcomes import ExperimentOutcomes, Moments, Preferences, VariantOutcomes
from streamrec.domain.experiments.report import MAX_POINTS, ExperimentResults
from streamrec.errors import InvalidInput
from streamrec.experiments.results import results_of

TWO = (Variant("old"), Variant("new"))


def experiment(**changes: Any) -> Experiment:
    return msgspec.structs.replace(Experiment("x", 1, TWO, "old", "ctr"), **changes)


def sums(n: int, mean: float, deviation: float = 0.3) -> Moments:
    """Return sums of n users with this mean and deviation, exactly."""
    return Moments(n, n * mean, n * mean**2 + (n - 1) * deviation**2)


def outcomes(n: int = 1000, **means: float) -> ExperimentOutcomes:
    """Return outcomes of n users of each variant, whose CTR has these means."""
    return ExperimentOutcomes(
        {
            name: VariantOutcomes(n, 3 * n, 30 * n, n, n // 10, {"ctr": sums(n, mean)})
            for name, mean in means.items()
        }
    )


def test_a_variant_that_is_better_ships() -> None:
    found = results_of(experiment(), outcomes(old=0.2, new=0.3), at=5.0)
    assert (found.verdict.decision, found.verdict.variant) == ("ship", "new")
    assert "+50.0%" in found.verdict.reason
    (comparison,) = found.comparisons
    assert comparison.uplift == pytest.approx(0.1)
    assert comparison.relative_uplift == pytest.approx(0.5)
    assert comparison.is_significant
    assert comparison.confidence_sequence is not None
    assert comparison.fixed is not None
    assert comparison.confidence_sequence[0] < comparison.fixed[0] < 0.1 < comparison.fixed[1]
    assert comparison.sequence == [
        (5.0, comparison.confidence_sequence[0], comparison.uplift, comparison.confidence_sequence[1])
    ]
    assert (found.users, found.exposures, found.era) == (2000, 6000, 1)
    assert found.funnel["new"].clicks == 1000


def test_a_variant_that_is_worse_is_rolled_back() -> None:
    found = results_of(experiment(), outcomes(old=0.3, new=0.2), at=5.0)
    assert (found.verdict.decision, found.verdict.variant) == ("roll back", "new")


def test_a_difference_that_may_be_chance_keeps_it_running() -> None:
    found = results_of(experiment(), outcomes(old=0.2, new=0.21), at=5.0)
    assert found.verdict.decision == "keep running"
    assert "no difference in ctr is proved" in found.verdict.reason
    (comparison,) = found.comparisons
    assert comparison.detectable == pytest.approx(2.802 * 0.3 * math.sqrt(2 / 1000), rel=1e-3)


def test_the_best_of_several_ships_by_a_stricter_rule() -> None:
    three = (*TWO, Variant("newest"))
    found = results_of(experiment(variants=three), outcomes(old=0.2, new=0.3, newest=0.35), at=5.0)
    assert (found.verdict.decision, found.verdict.variant) == ("ship", "newest")
    of_two = results_of(experiment(), outcomes(old=0.2, new=0.3), at=5.0)
    wide, narrow = (one.comparisons[0].confidence_sequence for one in (found, of_two))
    assert wide is not None
    assert narrow is not None
    assert wide[0] < narrow[0]


def test_lost_users_come_before_everything_else() -> None:
    counted = outcomes(old=0.2, new=0.3)
    counted.variants["new"].n_users = 700
    found = results_of(experiment(), counted, at=5.0)
    assert found.sample_ratio.alarm
    assert found.verdict.decision == "keep running"
    assert "do not have users by their weights" in found.verdict.reason


def test_weights_decide_what_ratio_is_right() -> None:
    counted = outcomes(old=0.2, new=0.3)
    counted.variants["new"].n_users = 500
    weighted = experiment(variants=(Variant("old", 2.0), Variant("new")))
    assert not results_of(weighted, counted, at=5.0).sample_ratio.alarm
    assert results_of(experiment(), counted, at=5.0).sample_ratio.alarm


def test_a_broken_guardrail_rolls_back_what_would_ship() -> None:
    counted = outcomes(old=0.2, new=0.3)
    for name, mean in (("old", 1.0), ("new", 0.8)):
        counted.variants[name].metrics["purchases"] = sums(1000, mean)
    guarded = experiment(guardrails=(Guardrail("purchases", 0.05),))
    found = results_of(guarded, counted, at=5.0)
    assert [(one.metric, one.variant, one.state) for one in found.guardrails] == [
        ("purchases", "new", "broken")
    ]
    assert (found.verdict.decision, found.verdict.variant) == ("roll back", "new")
    assert "purchases is more than 5.0% below" in found.verdict.reason
    tolerant = experiment(guardrails=(Guardrail("purchases", 0.25),))
    assert results_of(tolerant, counted, at=5.0).verdict.decision == "ship"


def test_a_guardrail_holds_while_nothing_is_sure() -> None:
    guarded = experiment(guardrails=(Guardrail("value", 0.0),))
    counted = outcomes(n=50, old=0.2, new=0.2)
    for name, mean in (("old", 1.0), ("new", 0.0)):
        counted.variants[name].metrics["value"] = sums(50, mean)
    (found,) = results_of(guarded, counted, at=5.0).guardrails
    assert (found.state, found.excess) == ("ok", None)


@pytest.mark.parametrize(
    ("counted", "reason"),
    [
        (ExperimentOutcomes(), "nobody was shown old, new"),
        (outcomes(n=1, old=0.2), "nobody was shown new"),
        (
            outcomes(n=20, old=0.2, new=0.9),
            "fewer than 100 users have a complete outcome (old has 20, new has 20)",
        ),
        (
            ExperimentOutcomes(outcomes(old=0.2, new=0.3).variants, n_multiple_exposed=300),
            "13.0% of the users were shown several variants",
        ),
    ],
)
def test_why_nothing_can_be_decided_is_said(counted: ExperimentOutcomes, reason: str) -> None:
    found = results_of(experiment(), counted, at=5.0)
    assert (found.verdict.decision, found.verdict.variant) == ("keep running", "new")
    assert reason in found.verdict.reason


def test_outcomes_that_never_differ_say_nothing() -> None:
    same = VariantOutcomes(500, metrics={"ctr": Moments(500, 0.0, 0.0)})
    found = results_of(experiment(), ExperimentOutcomes({"old": same, "new": same}), at=5.0)
    assert (found.comparisons[0].uplift, found.comparisons[0].p_value) == (0.0, 1.0)
    assert found.comparisons[0].confidence_sequence is None
    assert "does not differ between any two users" in found.verdict.reason
    assert found.variants[0].metrics["ctr"].mean == 0.0
    assert found.variants[0].metrics["ctr"].interval is None


@pytest.mark.parametrize(("old", "new", "decision"), [(0.0, 1.0, "ship"), (0.5, 0.25, "roll back")])
def test_variants_whose_users_are_all_alike_are_told_apart(old: float, new: float, decision: str) -> None:
    found = results_of(experiment(), outcomes_alike(200, old, new), at=5.0)
    (comparison,) = found.comparisons
    assert comparison.uplift == new - old
    assert comparison.confidence_sequence is not None
    low, high = comparison.confidence_sequence
    assert low < comparison.uplift < high
    assert (low > 0) == (new > old)
    assert comparison.fixed is not None
    assert comparison.is_significant
    assert (found.verdict.decision, found.verdict.variant) == (decision, "new")


def test_few_users_who_are_all_alike_decide_nothing() -> None:
    found = results_of(experiment(), outcomes_alike(99, 0.0, 1.0), at=5.0)
    assert found.comparisons[0].confidence_sequence is None
    assert found.verdict.decision == "keep running"


def test_a_guardrail_is_broken_when_every_user_lost_all() -> None:
    guarded = experiment(guardrails=(Guardrail("ctr", 0.1),))
    (found,) = results_of(guarded, outcomes_alike(200, 0.5, 0.0), at=5.0).guardrails
    assert found.state == "broken"
    (kept,) = results_of(guarded, outcomes_alike(200, 0.5, 0.5), at=5.0).guardrails
    assert kept.state == "ok"
    (nothing,) = results_of(guarded, outcomes_alike(200, 0.0, 0.0), at=5.0).guardrails
    assert nothing.state == "ok"


def outcomes_alike(n: int, old: float, new: float) -> ExperimentOutcomes:
    """Return outcomes of n users of each variant who all have the same one."""
    return ExperimentOutcomes(
        {
            name: VariantOutcomes(n, n, n, metrics={"ctr": Moments(n, n * mean, n * mean * mean)})
            for name, mean in (("old", old), ("new", new))
        }
    )


def test_sums_that_are_spoiled_are_named() -> None:
    counted = outcomes(old=0.2, new=0.3)
    counted.variants["new"].metrics["ctr"] = Moments(10, math.nan, 1.0)
    with pytest.raises(InvalidInput, match="not finite"):
        results_of(experiment(), counted, at=5.0)


def preferring(new: int, old: int, ties: int = 20) -> ExperimentOutcomes:
    """Return outcomes of mixed lists, with so many users who prefer one of the variants."""
    preferences = Preferences()
    for credit, n in (({"old": 0, "new": 1}, new), ({"old": 2, "new": 1}, old), ({"old": 1, "new": 1}, ties)):
        for _ in range(n):
            preferences.add(credit, "old")
    return ExperimentOutcomes({INTERLEAVED: VariantOutcomes(400, 600, 6000, 300, 10)}, 0, preferences)


@pytest.mark.parametrize(
    ("counted", "decision", "reason"),
    [
        (preferring(90, 40), "ship", "users give new +0.333 clicks"),
        (preferring(40, 90), "roll back", "users give new -0.333 clicks"),
        (preferring(52, 50), "keep running", "no preference is proved"),
        (preferring(60, 5), "keep running", "fewer than 100 users have clicked"),
        (preferring(0, 0, 0), "keep running", "fewer than 100 users have clicked"),
        (ExperimentOutcomes(), "keep running", "nobody was shown interleaved"),
    ],
)
def test_preferences_decide_an_experiment_that_interleaves(
    counted: ExperimentOutcomes, decision: str, reason: str
) -> None:
    found = results_of(experiment(design="interleaved"), counted, at=5.0)
    assert (found.verdict.decision, found.verdict.variant) == (decision, "new")
    assert reason in found.verdict.reason
    assert found.comparisons == []
    assert not found.sample_ratio.alarm


def test_preferences_are_told_by_users_and_by_credit() -> None:
    found = results_of(experiment(design="interleaved"), preferring(90, 40), at=5.0).interleaving
    assert found is not None
    assert found.win_rate == pytest.approx(90 / 130)
    assert 0.5 < found.interval[0] < 90 / 130 < found.interval[1]
    assert (found.wins, found.ties) == ({"old": 40, "new": 90}, 20)
    assert found.credit_interval is not None
    assert 0 < found.credit_interval[0] < 50 / 150 < found.credit_interval[1]


def test_the_clearest_of_several_preferences_is_told() -> None:
    preferences = Preferences()
    for number in range(300):
        preferences.add({"old": 1, "new": number % 3, "newest": 0}, "old")
    counted = ExperimentOutcomes({INTERLEAVED: VariantOutcomes(300)}, 0, preferences)
    three = (*TWO, Variant("newest"))
    found = results_of(experiment(design="interleaved", variants=three), counted, at=5.0)
    assert found.interleaving is not None
    # The control has one click more than `newest` from everybody: without any spread nothing can be said.
    assert found.interleaving.variant == "new"
    assert found.verdict.decision == "keep running"


def test_a_history_grows_over_time_and_stays_short() -> None:
    previous: ExperimentResults | None = None
    chance = np.random.default_rng(1)
    for step in range(1, 1500):
        counted = outcomes(n=50 + step, old=0.2, new=0.2 + 0.01 * chance.random())
        previous = results_of(experiment(), counted, at=10.0 * step, previous=previous)
    assert previous is not None
    (comparison,) = previous.comparisons
    times = [point[0] for point in comparison.sequence]
    assert 80 <= len(times) <= MAX_POINTS
    assert times == sorted(set(times))
    assert times[0] == 500.0  # the first with 100 users
    assert times[-1] == previous.at
    gaps = np.diff(times)
    assert gaps.max() < 0.05 * times[-1]


def test_a_clock_set_back_a_new_era_and_a_repeat_are_no_history() -> None:
    first = results_of(experiment(), outcomes(old=0.2, new=0.3), at=100.0)
    back = results_of(experiment(), outcomes(old=0.2, new=0.3), at=50.0, previous=first)
    assert back.comparisons[0].sequence == first.comparisons[0].sequence
    again = results_of(experiment(), outcomes(old=0.2, new=0.4), at=100.0, previous=first)
    assert len(again.comparisons[0].sequence) == 1
    other_era = results_of(experiment(version=2, era=2), outcomes(old=0.2, new=0.3), at=200.0, previous=first)
    assert len(other_era.comparisons[0].sequence) == 1


def test_planned_looks_are_taken_once_each() -> None:
    planned = experiment(planned_users=2000)
    previous: ExperimentResults | None = None
    for n in (100, 200, 260, 300, 400, 800, 1000, 1200):
        previous = results_of(planned, outcomes(n=n, old=0.2, new=0.26), at=float(n), previous=previous)
    assert previous is not None
    looks = previous.comparisons[0].looks
    assert [look.fraction for look in looks] == [0.26, 0.8, 1.0]
    assert looks[0].bound > looks[1].bound > looks[2].bound > 1.96
    assert [look.is_beyond for look in looks] == [False, True, True]
    assert results_of(experiment(), outcomes(n=1200, old=0.2, new=0.26), at=1.0).comparisons[0].looks == []


def test_a_report_is_read_as_it_was_written() -> None:
    counted = outcomes(old=0.2, new=0.3)
    counted.variants["new"].metrics["value"] = sums(1000, 4.0)
    found = results_of(experiment(planned_users=2000), counted, at=5.0)
    written = msgspec.json.encode(found)
    assert msgspec.json.decode(written, type=ExperimentResults) == found


@pytest.mark.parametrize("seed", range(5))
def test_alike_variants_are_left_running(seed: int) -> None:
    chance = np.random.default_rng(seed)
    counted = ExperimentOutcomes({name: VariantOutcomes(400) for name in ("old", "new")})
    for one in counted.variants.values():
        for value in chance.integers(0, 2, 400).tolist():
            one.add("ctr", float(value), float(chance.random()))
    assert results_of(experiment(), counted, at=1.0).verdict.decision == "keep running"


@pytest.mark.parametrize(
    "control", [Moments(500, 1e-300, 0.0), Moments(500, 5e-321, 0.0), sums(500, 1e-170, 0.0)]
)
@pytest.mark.parametrize(
    "variant", [sums(500, 1e12, 1e-9), Moments(500, 5e14, 2.5e29), sums(500, 0.0, 1e-160)]
)
def test_sums_of_any_size_give_a_report_that_can_be_read_again(control: Moments, variant: Moments) -> None:
    strict = experiment(alpha=1e-6, guardrails=(Guardrail("ctr", 0.0),) * 20, planned_users=2**53)
    for both in ((control, variant), (variant, control)):
        counted = ExperimentOutcomes(
            {
                name: VariantOutcomes(500, metrics={"ctr": one})
                for name, one in zip(("old", "new"), both, strict=True)
            }
        )
        found = results_of(strict, counted, at=1.0)
        assert msgspec.json.decode(msgspec.json.encode(found), type=ExperimentResults) == found


def test_weights_as_far_apart_as_may_be_have_a_sample_ratio() -> None:
    apart = experiment(variants=(Variant("old", 1e-6), Variant("new", 1e6)))
    for n_old in (0, 1, 1000):
        counted = ExperimentOutcomes({"old": VariantOutcomes(n_old), "new": VariantOutcomes(1000)})
        found = results_of(apart, counted, at=1.0)
        assert found.sample_ratio.alarm == (n_old == 1000)
