import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.ranking.prequential import Events
from streamrec.evaluation.propensity import debiased_mean, n_lately


def events_of(item_rows: list[int]) -> Events:
    n = len(item_rows)
    return Events(np.zeros(n, np.int64), np.array(item_rows, np.int64), np.zeros(n), np.ones(n, np.float32))


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(1, 20))
def test_it_counts_what_a_walk_over_the_stream_counts(items: list[int], window: int) -> None:
    found = n_lately(events_of(items), window)
    assert found.tolist() == [items[max(0, n - window) : n].count(item) for n, item in enumerate(items)]


def test_the_mean_is_that_of_items_drawn_alike() -> None:
    chance = np.random.default_rng(0)
    propensities = 1 / np.arange(1, 101)
    hit_rates = chance.random(100) * propensities**0.3  # as of a model that knows what is popular
    drawn = chance.choice(100, 200_000, p=propensities / propensities.sum())
    hits = (chance.random(len(drawn)) < hit_rates[drawn]).astype(np.float64)
    assert hits.mean() > 1.2 * hit_rates.mean()
    assert debiased_mean(hits, propensities[drawn]) == pytest.approx(hit_rates.mean(), rel=0.03)


def test_of_no_question_it_is_nothing() -> None:
    assert debiased_mean(np.zeros(0), np.zeros(0)) == 0.0
