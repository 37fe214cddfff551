"""Cohorts of a user, out of whatever stands in the attributes."""

from typing import Any

import pytest

from streamrec.domain.users.cohorts import MOST_COHORTS, cohorts_of


def values(attributes: dict[str, Any], *counted: str) -> list[str]:
    return [f"{cohort.attribute}={cohort.value}" for cohort in cohorts_of(attributes, counted)]


def test_texts_are_compared_without_capitals_and_blanks_at_the_ends() -> None:
    assert cohorts_of({"job": " Nurse "}) == cohorts_of({"job": "nurse"})
    assert cohorts_of({"job": "nurse"})[0].token != cohorts_of({"trade": "nurse"})[0].token


def test_numbers_lie_in_ranges_whether_given_as_numbers_or_as_texts() -> None:
    assert values({"age": 24}) == values({"age": "24"}) == values({"age": 31.9}) == ["age=22.63..32"]
    assert len({cohorts_of({"age": age})[0].token for age in range(11, 91)}) == 7
    assert values({"children": 0, "grade": "7"}) == ["children=0", "grade=7"]


def test_of_a_list_each_value_counts_and_only_the_first_few() -> None:
    assert values({"likes": ["tea", "TEA", "rain"]}) == ["likes=tea", "likes=rain"]
    assert len(cohorts_of({f"a{n}": [f"v{m}" for m in range(100)] for n in range(100)})) == MOST_COHORTS


@pytest.mark.parametrize(
    "given",
    [None, "", "  ", "x" * 65, {"a": 1}, [], [None, {}], float("nan"), float("inf"), 10**400, [["a"]]],
)
def test_what_hardly_anybody_shares_counts_nothing(given: Any) -> None:
    assert cohorts_of({"a": given, "": "b", "n" * 65: "c"}) == ()


@pytest.mark.parametrize("given", ["<script>", "a/b'\"", "\ud800", "\0", "ß" * 64, "日本"])
def test_odd_texts_are_values_like_any_other(given: str) -> None:
    (cohort,) = cohorts_of({given: given})
    assert 0 < cohort.token < 2**31


def test_a_megabyte_of_attributes_is_not_gone_through() -> None:
    assert cohorts_of({f"a{n}": None for n in range(100_000)} | {"job": "nurse"}) == ()


def test_only_named_attributes_count_where_some_are_named() -> None:
    assert values({"job": "nurse", "faith": "none"}, "job") == ["job=nurse"]
