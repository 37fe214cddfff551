import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lab.matrices import similarity
from lab.matrices.cells import cells_of
from lab.matrices.similarity import best_of_each, nearest
from lab.matrices.sparse_similarity import Measure, SparseSimilarity
from lab.matrices.vector_similarity import VectorSimilarity
from tests.unit.lab.plain_accounts import all_pairs, ranked


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.integers(0, 400),
    st.integers(1, 30),
    st.sampled_from([3, 1_000_000]),
)
@settings(max_examples=60, deadline=None)
def test_the_best_are_those_of_a_full_sort_whatever_the_ties(
    seed: int, n_lines: int, n: int, k: int, n_levels: int
) -> None:
    scores = np.random.default_rng(seed).integers(-n_levels, n_levels, (n_lines, n)) / n_levels
    found = list(best_of_each(scores, k))
    assert [of.rows.tolist() for of in found] == [ranked(line, None, k) for line in scores]
    for line, of in zip(scores, found, strict=True):
        assert of.scores.tolist() == line[of.rows].tolist()


@pytest.mark.parametrize("is_missing_aware", [False, True])
@pytest.mark.parametrize("measure", ["cosine", "euclidean"])
@pytest.mark.parametrize("shrinkage", [0.0, 3.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_sparse_rows_are_as_similar_as_by_a_plain_account(
    measure: Measure, shrinkage: float, *, is_missing_aware: bool, seed: int
) -> None:
    random = np.random.default_rng(seed)
    dense = np.where(random.random((23, 9)) < 0.3, np.round(random.normal(0, 2, (23, 9))), np.nan)
    dense[5] = np.nan  # has nothing at all
    dense[6] = np.where(np.isnan(dense[6]), np.nan, 0.0)  # has zeros, which are not missing
    dense[6, 0] = 0.0
    rows, columns = np.nonzero(~np.isnan(dense))
    compared = SparseSimilarity(
        cells_of(rows, columns, dense[rows, columns], dense.shape, "count"),
        measure,
        shrinkage,
        is_missing_aware=is_missing_aware,
    )
    expected = all_pairs(dense, measure, shrinkage, is_missing_aware=is_missing_aware)
    np.testing.assert_allclose(compared.scores(np.arange(23)), expected, rtol=1e-9, atol=1e-12)
    shared = (~np.isnan(dense)).astype(int)
    assert compared.supports(3, np.array([0, 5, 9])).tolist() == (shared @ shared[3])[[0, 5, 9]].tolist()


def vectors(n: int) -> NDArray[np.float32]:
    return np.random.default_rng(3).normal(size=(n, 4)).astype(np.float32)


def test_cosines_of_vectors_and_nobody_knows_of_zeros() -> None:
    rows = vectors(6)
    rows[2] = 0
    compared = VectorSimilarity(rows, cells_of(np.arange(6), np.arange(6), np.ones(6), (6, 6), "count"))
    scores = compared.scores(np.array([0, 2]))
    assert np.isnan(scores[1]).all()
    assert np.isnan(scores[0]).tolist() == [False, False, True, False, False, False]
    cosine = rows[0] @ rows[5] / np.linalg.norm(rows[0]) / np.linalg.norm(rows[5])
    assert scores[0, 5] == pytest.approx(cosine, abs=1e-6)


def test_blocks_give_what_one_row_at_a_time_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 50
    compared = VectorSimilarity(vectors(n), cells_of(np.arange(n), np.arange(n), np.ones(n), (n, n), "count"))
    singly = [next(iter(nearest(compared, np.array([row]), 5))) for row in range(n)]
    monkeypatch.setattr(similarity, "_BLOCK_CELLS", 7 * n)
    in_blocks = list(nearest(compared, np.arange(n), 5))
    assert [of.rows.tolist() for of in in_blocks] == [of.rows.tolist() for of in singly]
    assert all(row not in of.rows for row, of in enumerate(in_blocks))


class Watched:
    """A similarity that notes how many scores it was asked for at a time."""

    def __init__(self, n_rows: int) -> None:
        self.n_rows = n_rows
        self.most = 0

    def scores(self, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        self.most = max(self.most, len(rows) * self.n_rows)
        return np.zeros((len(rows), self.n_rows))

    def supports(self, row: int, others: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.zeros(len(others), np.int64)


def test_memory_does_not_grow_with_the_number_of_pairs() -> None:
    watched = Watched(2**18)
    assert sum(1 for _ in nearest(watched, np.arange(40), 3)) == 40
    assert 2**18 < watched.most <= 2**22
    larger_than_a_block = Watched(2**22 + 1)
    assert next(iter(nearest(larger_than_a_block, np.arange(2), 3))).rows.tolist() == []
    assert larger_than_a_block.most == 2**22 + 1
