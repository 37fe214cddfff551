"""Metrics of lists: worked out by hand, and beside RecTools where it is installed."""

import numpy as np
import pytest
from scipy import sparse

from lab.evaluation.accuracy import hits_of, ndcg, precision, recall
from lab.evaluation.beyond_accuracy import (
    avg_rec_popularity,
    catalog_coverage,
    category_diversity,
    intra_list_similarity,
    mean_inv_user_freq,
    personalization,
)

# Two users, six items; the second list is a short one.
COLUMNS = np.array([[0, 3, 5], [2, 0, -1]])
RELEVANT = sparse.csr_array(np.array([[0, 0, 0, 1, 1, 1], [1, 0, 0, 0, 0, 0.0]]))


def test_accuracy_by_hand() -> None:
    hits = hits_of(COLUMNS, RELEVANT)
    assert hits.tolist() == [[False, True, True], [False, True, False]]
    n_relevant = np.array([3, 1])
    assert precision(hits, n_relevant, 3) == pytest.approx([2 / 3, 1 / 3])
    assert precision(hits, n_relevant, 2) == pytest.approx([1 / 2, 1 / 2])
    assert recall(hits, n_relevant, 3) == pytest.approx([2 / 3, 1])
    second, third = 1 / np.log2(3), 1 / np.log2(4)
    assert ndcg(hits, n_relevant, 3) == pytest.approx([(second + third) / (1 + second + third), second])


def test_beyond_accuracy_by_hand() -> None:
    assert catalog_coverage(COLUMNS, 8) == 4 / 8
    # Item 3 is without a category; there are three categories and three positions.
    categories = np.array([0, 1, 2, -1, 1, 0])
    assert category_diversity(COLUMNS, categories) == pytest.approx([1 / 3, 2 / 3])
    assert personalization(COLUMNS) == pytest.approx(1 - 1 / np.sqrt(3 * 2))
    features = sparse.csr_array(np.array([[3.0, 0], [0, 1], [1, 1], [0, 0], [0, 1], [0, 2]]))
    assert intra_list_similarity(COLUMNS, features) == pytest.approx([0, np.sqrt(1 / 2)])
    # Of 4 users, 2 chose item 0, 1 item 2, nobody item 3, all item 5.
    n_users_of = np.array([2, 0, 1, 0, 0, 4])
    assert mean_inv_user_freq(COLUMNS, n_users_of, 4) == pytest.approx([(1 + 2 + 0) / 3, (2 + 1) / 2])
    assert avg_rec_popularity(COLUMNS, np.array([6, 0, 3, 0, 0, 9])) == pytest.approx([15 / 3, 9 / 2])


def test_nothing_is_said_of_lists_that_are_empty() -> None:
    empty = np.full((2, 3), -1)
    assert catalog_coverage(empty, 5) == 0
    assert personalization(empty) == 0
    assert category_diversity(empty, np.zeros(5, np.int64)).tolist() == [0, 0]
    assert np.isnan(mean_inv_user_freq(empty, np.ones(5, np.int64), 2)).all()
    assert np.isnan(avg_rec_popularity(empty, np.ones(5, np.int64))).all()
    assert np.isnan(intra_list_similarity(empty, sparse.csr_array(np.eye(5)))).all()
    assert not hits_of(empty, sparse.csr_array(np.ones((2, 5)))).any()


def test_personalization_is_the_mean_over_all_pairs() -> None:
    rng = np.random.default_rng(1)
    columns = np.stack([rng.choice(30, 5, replace=False) for _ in range(40)])
    shown = np.zeros((40, 30))
    np.put_along_axis(shown, columns, 1 / np.sqrt(5), axis=1)
    cosines = (shown @ shown.T)[np.triu_indices(40, 1)]
    assert personalization(columns) == pytest.approx(1 - cosines.mean())


def test_intra_list_similarity_is_the_mean_over_all_pairs() -> None:
    rng = np.random.default_rng(2)
    columns = np.stack([rng.choice(20, 6, replace=False) for _ in range(8)])
    features = rng.random((20, 4)) * (rng.random((20, 4)) < 0.6)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    units = np.divide(features, lengths, out=np.zeros_like(features), where=lengths > 0)
    expected = [(units[row] @ units[row].T)[np.triu_indices(6, 1)].mean() for row in columns]
    assert intra_list_similarity(columns, sparse.csr_array(features)) == pytest.approx(expected)


@pytest.mark.parametrize("k", [3, 10])
def test_the_metrics_that_rectools_has_as_well(k: int) -> None:
    metrics = pytest.importorskip(
        "rectools.metrics", reason="pip install rectools, in an environment of its own"
    )
    frames = pytest.importorskip("pandas")
    rng = np.random.default_rng(3)
    n_users, n_items = 50, 40
    columns = np.stack([rng.choice(n_items, 10, replace=False) for _ in range(n_users)])
    chosen = rng.random((n_users, n_items)) < 0.1
    chosen[:, 0] |= ~chosen.any(axis=1)
    before = rng.random((n_users, n_items)) < rng.random(n_items)[None, :]
    before[0] = True
    lines = np.repeat(np.arange(n_users), 10)
    reco = frames.DataFrame(
        {"user_id": lines, "item_id": columns.ravel(), "rank": np.tile(np.arange(1, 11), n_users)}
    )
    after, past = (
        frames.DataFrame(dict(zip(("user_id", "item_id"), np.nonzero(of), strict=True)), dtype=np.int64)
        for of in (chosen, before)
    )
    after["weight"] = past["weight"] = 1
    relevant = sparse.csr_array(chosen.astype(float))
    hits, n_relevant = hits_of(columns, relevant), chosen.sum(axis=1)
    shown, catalog = columns[:, :k], range(n_items)
    pairs = [
        (precision(hits, n_relevant, k), metrics.Precision(k).calc_per_user(reco, after)),
        (recall(hits, n_relevant, k), metrics.Recall(k).calc_per_user(reco, after)),
        (
            ndcg(hits, n_relevant, k),
            metrics.NDCG(k, divide_by_achievable=True).calc_per_user(reco, after),
        ),
        (
            mean_inv_user_freq(shown, before.sum(axis=0), int(before.any(axis=1).sum())),
            metrics.MeanInvUserFreq(k).calc_per_user(reco, past),
        ),
        (
            avg_rec_popularity(shown, before.sum(axis=0)),
            metrics.AvgRecPopularity(k).calc_per_user(reco, past),
        ),
    ]
    for ours, theirs in pairs:
        assert ours == pytest.approx(theirs.sort_index().to_numpy())
    coverage = metrics.CatalogCoverage(k, normalize=True).calc(reco, catalog)
    assert catalog_coverage(shown, n_items) == pytest.approx(coverage)
