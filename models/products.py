"""Products of small matrices, compiled: some rows at a time, so that sums stay in registers."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled_in_place

Floats = NDArray[np.float32]

_AT_ONCE = 4
"""Rows that one pass over the result takes in: with one each, most of the time goes into storing it."""


@compiled_in_place
def multiply(a: Floats, b: Floats, product: Floats) -> None:
    """Set (M, N) a @ b of (M, K) and (K, N)."""
    n_fours = a.shape[1] // _AT_ONCE * _AT_ONCE
    for i in range(a.shape[0]):
        for k in range(b.shape[1]):
            product[i, k] = np.float32(0.0)
        for j in range(0, n_fours, _AT_ONCE):
            first, second, third, fourth = a[i, j], a[i, j + 1], a[i, j + 2], a[i, j + 3]
            for k in range(b.shape[1]):
                product[i, k] += (
                    first * b[j, k] + second * b[j + 1, k] + third * b[j + 2, k] + fourth * b[j + 3, k]
                )
        for j in range(n_fours, a.shape[1]):
            for k in range(b.shape[1]):
                product[i, k] += a[i, j] * b[j, k]


@compiled_in_place
def multiply_rows(a: Floats, b: Floats, product: Floats) -> None:
    """Set (M, N) a @ b.T of (M, K) and (N, K): the inner product of each row with each."""
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            total = np.float32(0.0)
            for k in range(a.shape[1]):
                total += a[i, k] * b[j, k]
            product[i, j] = total
