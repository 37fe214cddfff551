"""The strongest directions of a sparse matrix."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import svds

from lab.matrices.cells import Csr

_LEAST_SHARE = 1e-3
"""Of a row's length: one that keeps less lies outside the directions kept, and what is left is rounding."""


class Directions(NamedTuple):
    """A matrix M of R rows and C columns is U S V^T; of its directions, D are kept.

    Attributes
    ----------
    rows
        (R, D) float32, U S: cosines of these rows are those of the rows of the best approximation of rank D.
    columns
        (C, D) float32, V S: the same of the columns.
    """

    rows: NDArray[np.float32]
    columns: NDArray[np.float32]


def truncated_svd(matrix: Csr, n_dims: int, seed: int) -> Directions:
    """Return the `n_dims` strongest directions, or all where there are not so many.

    Lanczos iterations on the smaller Gram matrix, which is never formed (ARPACK; Lehoucq, Sorensen and Yang
    1998, ARPACK Users' Guide, section 4). Rows and columns that lie outside of what is kept are zeros.

    Parameters
    ----------
    matrix
        (R, C), of any scale: cosines do not depend on it.
    seed
        Of the vector that the iterations start from; only the last digits depend on it.
    """
    greatest = np.abs(matrix.data).max(initial=0.0)
    if greatest == 0:
        return Directions(*(np.zeros((n, 1), np.float32) for n in matrix.shape))
    scaled = (matrix / greatest).astype(np.float32)
    if min(matrix.shape) <= n_dims:
        left, strengths, right = np.linalg.svd(scaled.toarray(), full_matrices=False)
    else:
        left, strengths, right = svds(scaled, n_dims, rng=np.random.default_rng(seed))
    return Directions(
        _within(left * strengths, scaled.power(2).sum(axis=1)),
        _within(right.T * strengths, scaled.power(2).sum(axis=0)),
    )


def _within(vectors: NDArray[np.float32], squares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors, zeros in place of those that keep next to nothing of their rows' squared lengths."""
    kept: NDArray[np.float32] = np.where(
        (vectors**2).sum(axis=1) > _LEAST_SHARE**2 * squares, vectors.T, np.float32(0)
    ).T
    return np.ascontiguousarray(kept, np.float32)
