import numpy as np
import pytest

from streamrec.domain.ranking.prequential import Events
from streamrec.evaluation.counting import CountingRanker


def events(items: np.ndarray) -> Events:
    return Events(
        np.zeros(len(items), np.int64), items, np.zeros(len(items)), np.ones(len(items), np.float32)
    )


@pytest.mark.parametrize("half_life", [None, 40.0])
def test_batches_make_no_difference(half_life: float | None) -> None:
    items = np.random.default_rng(0).integers(0, 12, 500)
    at_once, one_by_one = CountingRanker(half_life), CountingRanker(half_life)
    at_once.learn(events(items))
    for item in items:
        one_by_one.learn(events(np.array([item])))
    factor = 1.0 if half_life is None else 0.5 ** (1 / half_life)
    expected = [sum(factor ** (499 - n) for n in np.flatnonzero(items == row)) for row in range(12)]
    np.testing.assert_allclose(at_once.scores(0, 12), expected, rtol=1e-9)
    np.testing.assert_allclose(one_by_one.scores(0, 12), expected, rtol=1e-9)


def test_a_long_history_stays_finite() -> None:
    ranker = CountingRanker(half_life_events=1.0)
    ranker.learn(events(np.arange(5000) % 3))
    ranker.learn(events(np.zeros(0, np.int64)))
    assert np.isfinite(ranker.scores(0, 3)).all()
    assert ranker.scores(0, 3).argmax() == 4999 % 3


def test_items_nobody_chose_come_last() -> None:
    ranker = CountingRanker()
    ranker.learn(events(np.array([1])))
    assert ranker.scores(0, 3).tolist() == [0.0, 1.0, -np.inf]
