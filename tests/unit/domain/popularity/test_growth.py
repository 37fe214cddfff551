"""Growth is a share of the choices that becomes larger."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from streamrec.domain.popularity.growth import growth

COUNTS = arrays(np.float64, st.integers(0, 20), elements=st.floats(-5, 1e9))


@given(COUNTS, COUNTS)
def test_any_counts_have_finite_scores_of_0_or_above_1(lately: np.ndarray, before: np.ndarray) -> None:
    scores = growth(lately, before)
    assert len(scores) == max(len(lately), len(before))
    assert np.isfinite(scores).all()
    assert ((scores == 0) | (scores > 1)).all()


def test_hours_that_are_busier_for_all_make_nothing_grow() -> None:
    before = np.array([500.0, 30.0, 1.0])
    assert growth(before * 0.2, before).tolist() == growth(before, before).tolist() == [0.0, 0.0, 0.0]


def test_of_equal_ratios_the_one_that_more_people_speak_for_comes_first() -> None:
    scores = growth(np.array([2.0, 200.0, 798.0]), np.array([1.0, 100.0, 9899.0]))
    assert scores[1] > scores[0] > 1 > scores[2]
