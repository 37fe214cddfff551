"""Similarity of dense rows by cosine."""

import numpy as np
from numpy.typing import NDArray

from lab.matrices.cells import Csr, n_common, pattern_of


class VectorSimilarity:
    """Similarity of N vectors of D numbers, by cosine.

    Parameters
    ----------
    vectors
        (N, D) float32; the cosine of a row of zeros to anything is unknown.
    features
        (N, F) what the vectors were made of: rows support each other by the features that both have.
    """

    def __init__(self, vectors: NDArray[np.float32], features: Csr) -> None:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        self._is_empty = lengths[:, 0] == 0
        self._pattern = pattern_of(features)

    @property
    def n_rows(self) -> int:
        """N."""
        return len(self._units)

    def scores(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (B, N) cosines of each of B rows to all; NaN where one of the two is all zeros."""
        scores: NDArray[np.float32] = self._units[rows] @ self._units.T
        scores[:, self._is_empty] = np.nan
        scores[self._is_empty[rows]] = np.nan
        return scores

    def supports(self, row: int, others: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (K,) how many features both have."""
        return n_common(self._pattern, row, others)
