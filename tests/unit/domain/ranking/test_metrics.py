import math

import numpy as np
import pytest

from streamrec.domain.ranking.metrics import (
    METRICS,
    MISS,
    SlidingComparison,
    best_rows,
    gains,
    mrr_at,
    ndcg_at,
    precision_at,
    rank_of,
    recall_at,
    summary,
)

NOBODY = np.zeros(0, np.int64)


def test_ties_count_against_the_model() -> None:
    assert rank_of(np.zeros(50), 0, NOBODY) == 49


def test_a_score_that_is_no_number_never_helps() -> None:
    assert rank_of(np.array([np.nan, 1.0, 0.0]), 0, NOBODY) == 2
    assert rank_of(np.array([0.5, np.nan, 0.0]), 0, NOBODY) == 1


def test_rank_is_among_those_not_excluded() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 9, 60).astype(np.float64)
    excluded = random.permutation(np.arange(1, 60))[:20]
    candidates = np.setdiff1d(np.arange(1, 60), excluded)
    assert rank_of(scores, 0, excluded) == (scores[candidates] >= scores[0]).sum()


@pytest.mark.parametrize("rank", [0, 3, 9, 10, MISS])
def test_single_event_metrics_are_their_definitions(rank: int) -> None:
    is_hit = rank < 10
    assert recall_at(rank, 10) == is_hit
    assert precision_at(rank, 10) == pytest.approx(is_hit / 10)
    assert ndcg_at(rank, 10) == pytest.approx(math.log(2) / math.log(rank + 2) if is_hit else 0)
    assert mrr_at(rank, 10) == pytest.approx(1 / (rank + 1) if is_hit else 0)


def test_a_summary_is_the_mean_of_single_events() -> None:
    ranks = np.array([0, 4, 9, 10, MISS, 2])
    found = summary(ranks, 10)
    for name, metric in (
        ("recall", recall_at),
        ("precision", precision_at),
        ("ndcg", ndcg_at),
        ("mrr", mrr_at),
    ):
        assert found[f"{name}_at_10"] == pytest.approx(np.mean([metric(rank, 10) for rank in ranks.tolist()]))
    assert found["n_events"] == 6
    assert summary(ranks[:0], 10)["recall_at_10"] == 0


def test_the_window_slides() -> None:
    comparison = SlidingComparison(window=3, k=10)
    assert comparison.summaries() == {}
    for rank in (0, MISS, MISS, 5):
        comparison.add({"gmf": rank, "popularity": 0})
    assert len(comparison) == 3
    assert comparison.summaries()["gmf"]["recall_at_10"] == pytest.approx(1 / 3)
    assert comparison.summaries()["popularity"]["mrr_at_10"] == 1


def test_gains_are_the_single_event_metrics_by_column() -> None:
    ranks = np.array([0, 4, 9, 10, MISS, 2])
    by_name = dict(zip(METRICS, (recall_at, precision_at, ndcg_at, mrr_at), strict=True))
    for name, metric in by_name.items():
        expected = [metric(rank, 10) for rank in ranks.tolist()]
        np.testing.assert_allclose(gains(name, ranks, 10), expected, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 5, 60, 100])
def test_best_rows_stand_where_rank_of_says(k: int) -> None:
    random = np.random.default_rng(0)
    scores = random.permutation(60).astype(np.float32)
    excluded = random.permutation(60)[:20]
    best = best_rows(scores, excluded, k)
    assert len(best) == min(k, 40)
    assert [rank_of(scores, row, excluded) for row in best.tolist()] == list(range(len(best)))


def test_what_has_no_score_is_in_no_list() -> None:
    assert best_rows(np.array([np.nan, 2.0, -np.inf]), NOBODY, 3).tolist() == [1]
    assert best_rows(np.zeros(0), NOBODY, 3).tolist() == []
