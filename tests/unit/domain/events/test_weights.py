import pytest

from streamrec.domain.events.weights import RETRACT, EventWeights


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ("rating<=2", [1.0, 2.0]),
        ("rating<2", [1.0]),
        ("rating>=2", [2.0, 3.0]),
        ("rating > 2", [3.0]),
        ("rating>-1e3", [1.0, 2.0, 3.0]),
    ],
)
def test_a_rule_weighs_the_values_that_fit(rule: str, fits: list[float]) -> None:
    weights = EventWeights({rule: -1.0, "rating": 0.5})
    assert [value for value in (1.0, 2.0, 3.0) if weights.of("rating", value) == -1.0] == fits
    assert weights.of("rating") == 0.5  # without a value
    assert weights.of("view", 1.0) == 1.0
    assert not weights.go_by_type


def test_the_first_rule_that_fits_counts() -> None:
    weights = EventWeights({"r<=2": -1.0, "r<=3": 0.0, "r>3": 2.0})
    assert [weights.of("r", value) for value in (2.0, 3.0, 4.0)] == [-1.0, 0.0, 2.0]


@pytest.mark.parametrize("rule", ["<=2", "rating<=", "rating<=many", "rating<=nan", "rating>=inf"])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="no rule"):
        EventWeights({rule: 1.0})


def test_to_take_back_weighs_nothing_whatever_else_does() -> None:
    weights = EventWeights({"view": 2.0}, default=3.0)
    assert weights.of(RETRACT) == weights.of(RETRACT, 5.0) == 0.0


@pytest.mark.parametrize("name", [RETRACT, f"{RETRACT}<=2", f"{RETRACT} > 0"])
def test_to_take_back_can_be_given_no_weight(name: str) -> None:
    with pytest.raises(ValueError, match="no weight"):
        EventWeights({name: -1.0})
