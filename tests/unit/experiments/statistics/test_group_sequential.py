"""Group-sequential bounds: those of published tables, and right by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.group_sequential import bounds, spent


@pytest.mark.parametrize(
    ("n_looks", "published"),
    [
        # Reboussin, DeMets, Kim, Lan 2000, Computations for group sequential boundaries using the Lan-DeMets
        # spending function method: O'Brien-Fleming type, two-sided alpha .05, looks at equal distances.
        (1, [1.960]),
        (2, [2.963, 1.969]),
        (3, [3.710, 2.511, 1.993]),
        (4, [4.333, 2.963, 2.359, 2.014]),
        (5, [4.877, 3.357, 2.680, 2.290, 2.031]),
    ],
)
def test_bounds_are_those_of_the_tables(n_looks: int, published: list[float]) -> None:
    found = bounds([look / n_looks for look in range(1, n_looks + 1)])
    assert found == pytest.approx(published, abs=0.0011)


def test_false_alarms_are_as_many_as_accepted() -> None:
    chance = np.random.default_rng(10)
    fractions = [0.3, 0.55, 1.0]
    steps = chance.standard_normal((200_000, 3)) * np.sqrt(np.diff([0, *fractions]))
    z = np.cumsum(steps, axis=1) / np.sqrt(fractions)
    alarms = (np.abs(z) >= bounds(fractions, 0.1)).any(axis=1).mean()
    assert abs(alarms - 0.1) < 0.0027  # 4 standard deviations


@settings(max_examples=25, deadline=None)
@given(
    looks=st.lists(st.integers(1, 100), min_size=1, max_size=5, unique=True),
    alpha=st.sampled_from([0.01, 0.05, 0.2]),
)
def test_early_looks_are_strict_and_the_last_is_hardly_stricter_than_one(
    looks: list[int], alpha: float
) -> None:
    fractions = [look / 100 for look in sorted(looks)]
    found = bounds(fractions, alpha)
    alone = bounds([1.0], alpha)[0]
    assert all(one >= alone - 1e-6 for one in found)
    # A later look changes nothing of the ones before it.
    assert bounds(fractions[:-1] or fractions, alpha) == found[: len(fractions) - 1 or 1]


def test_the_whole_alpha_is_spent_at_the_end_and_not_before() -> None:
    amounts = [spent(fraction, 0.05) for fraction in np.linspace(0, 1, 21)]
    assert amounts[0] == 0
    assert amounts[-1] == pytest.approx(0.05)
    assert all(a <= b for a, b in zip(amounts, amounts[1:], strict=False))


@pytest.mark.parametrize("fractions", [[], [0.0, 0.5], [0.5, 0.5], [0.6, 0.4], [0.5, 1.5], [float("nan")]])
def test_fractions_that_do_not_rise_are_named(fractions: list[float]) -> None:
    with pytest.raises(InvalidInput, match="fraction"):
        bounds(fractions)
