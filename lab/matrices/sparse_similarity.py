"""Similarity of sparse rows by cosine or Euclidean distance."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lab.matrices.cells import Csr, n_common, pattern_of, squared

Measure = Literal["cosine", "euclidean"]

_Dense = NDArray[np.float64]


class SparseSimilarity:
    """Similarity of N rows of F cells each.

    ``cosine`` is the cosine of the angle; ``euclidean`` is 1 / (1 + distance). Both are multiplied by n / (n
    + shrinkage), n being the number of cells that the two have in common: rows that share nothing are not
    similar, though two of a single event each are close by Euclid, and the cosine of one shared value is 1
    whatever the value. Shrinkage, and not a least number of shared cells: that one is a cliff, on whose far
    side nothing is found for whoever is new (Koren 2008, Factorization meets the neighborhood, section 2.2).

    Where missing cells are unknown, only what both rows have enters sums and lengths (the distance is a root
    of a mean then, since more shared cells must not mean more distance), and rows that share nothing are
    unknown (NaN). Where they are zeros, all cells count; unknown are rows without any.

    Parameters
    ----------
    cells
        (N, F) float64.
    shrinkage
        Shared cells after which a similarity counts half; with 0 all count in full.
    is_missing_aware
        Whether a missing cell is unknown, not 0.
    """

    def __init__(self, cells: Csr, measure: Measure, shrinkage: float, *, is_missing_aware: bool) -> None:
        self._cells, self._squares, self._pattern = cells, squared(cells), pattern_of(cells)
        self._all_cells = self._cells.T.tocsr()
        self._all_squares = self._squares.T.tocsr()
        self._all_patterns = self._pattern.T.tocsr()
        self._lengths: _Dense = np.asarray(self._squares.sum(axis=1))
        self._is_empty = np.diff(cells.indptr) == 0
        self._shrinkage = shrinkage
        self._is_missing_aware = is_missing_aware
        self._measured = _cosine if measure == "cosine" else _closeness

    @property
    def n_rows(self) -> int:
        """N."""
        return int(self._cells.shape[0])

    def scores(self, rows: NDArray[np.int64]) -> _Dense:
        """Return (B, N) similarities of each of B rows to all; NaN where unknown."""
        products: _Dense = (self._cells[rows] @ self._all_cells).toarray()
        shared: _Dense = (self._pattern[rows] @ self._all_patterns).toarray()
        if self._is_missing_aware:
            own: _Dense = (self._squares[rows] @ self._all_patterns).toarray()
            others: _Dense = (self._pattern[rows] @ self._all_squares).toarray()
            scores: _Dense = self._measured(products, own, others, np.maximum(shared, 1))
            unknown = shared == 0
        else:
            scores = self._measured(products, self._lengths[rows, None], self._lengths[None, :], 1.0)
            unknown = self._is_empty[rows, None] | self._is_empty[None, :]
        # Written so that a shrinkage of 0 needs no case of its own.
        believed = np.where(shared > 0, shared / np.maximum(shared + self._shrinkage, 1), 0.0)
        return np.where(unknown, np.nan, scores * believed)

    def supports(self, row: int, others: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (K,) in how many columns both have a cell."""
        return n_common(self._pattern, row, others)


def _cosine(products: _Dense, own: _Dense, others: _Dense, n: _Dense | float) -> _Dense:
    """Return x.y / (|x| |y|), 0 where a length is; `own` and `others` are squared lengths."""
    del n  # a mean would cancel out
    lengths = np.sqrt(own) * np.sqrt(others)  # not the root of the product, which may be no number any more
    cosines: _Dense = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return cosines


def _closeness(products: _Dense, own: _Dense, others: _Dense, n: _Dense | float) -> _Dense:
    """Return 1 / (1 + d), d being the root of the n-th part of |x - y|^2."""
    squares = np.maximum(own + others - 2 * products, 0.0)  # rounding can bring it below 0
    closeness: _Dense = 1.0 / (1.0 + np.sqrt(squares / n))
    return closeness
