"""Sums of outcomes: adding them up in any order, over any parts, gives the same."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.experiments.outcomes import ExperimentOutcomes, Moments, Preferences, VariantOutcomes

whole = st.integers(-1000, 1000).map(float)
users = st.lists(st.tuples(whole, whole), max_size=20)


def moments_of(pairs: list[tuple[float, float]]) -> Moments:
    found = Moments()
    for outcome, before in pairs:
        found = found.plus(outcome, before)
    return found


@given(one=users, other=users)
def test_moments_of_parts_add_up_to_those_of_the_whole(
    one: list[tuple[float, float]], other: list[tuple[float, float]]
) -> None:
    assert moments_of(one) + moments_of(other) == moments_of(other + one)
    assert moments_of(one) + Moments() == moments_of(one)


@given(pairs=users)
def test_moments_are_the_sums(pairs: list[tuple[float, float]]) -> None:
    found = moments_of(pairs)
    assert found.n == len(pairs)
    assert found.sum_xx == sum(x * x for x, _ in pairs)
    assert found.sum_xy == sum(x * y for x, y in pairs)
    assert found.sum_yy == sum(y * y for _, y in pairs)


@given(pairs=users)
def test_outcomes_of_variants_add_up(pairs: list[tuple[float, float]]) -> None:
    parts = [VariantOutcomes(n_users=1), VariantOutcomes(n_exposures=2, n_clicks=1)]
    for number, (outcome, before) in enumerate(pairs):
        parts[number % 2].add("clicks", outcome, before)
    both = parts[0] + parts[1]
    assert both.metrics.get("clicks", Moments()) == moments_of(pairs)
    assert (both.n_users, both.n_exposures, both.n_clicks) == (1, 2, 1)


@given(
    credits_=st.lists(st.fixed_dictionaries({"a": st.integers(0, 3), "b": st.integers(0, 3)}), max_size=30)
)
def test_two_variants_win_lose_or_tie(credits_: list[dict[str, float]]) -> None:
    preferences = Preferences()
    for credit in credits_:
        preferences.add(credit, control="a")
    wins = preferences.wins.get("a", 0), preferences.wins.get("b", 0)
    assert sum(wins) + preferences.ties == sum(1 for credit in credits_ if any(credit.values()))
    assert preferences.against_control.get("b", (0, 0)) == wins[::-1]


def test_a_user_of_the_control_counts_against_every_variant() -> None:
    preferences = Preferences()
    preferences.add({"a": 2, "b": 0, "c": 2}, control="a")
    assert preferences.against_control == {"b": (0, 1), "c": (0, 0)}
    assert (preferences.wins, preferences.ties) == ({}, 1)


def test_outcomes_are_kept_as_json() -> None:
    outcomes = ExperimentOutcomes({"a": VariantOutcomes(1, 2, 3)}, 4, Preferences({"a": 1}, 2, {"b": (0, 1)}))
    outcomes.variants["a"].add("value", 1.5, 0.25)
    written = msgspec.json.encode(outcomes)
    assert msgspec.json.decode(written, type=ExperimentOutcomes) == outcomes


def test_new_outcomes_share_nothing() -> None:
    VariantOutcomes().add("clicks", 1.0)
    ExperimentOutcomes().variants["a"] = VariantOutcomes()
    assert VariantOutcomes().metrics == {}
    assert ExperimentOutcomes().variants == {}


@pytest.mark.parametrize("sum_", [Moments(2, 1.0), Moments().plus(1.0, 2.0)])
def test_moments_cannot_be_changed(sum_: Moments) -> None:
    with pytest.raises(AttributeError):
        sum_.n = 3  # type: ignore[misc]
