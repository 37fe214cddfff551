"""Accuracy of lists, user by user: precision, recall and NDCG at k.

All take (U, k) `hits`, whether the item at a position is one that the user chose, and (U,) numbers of such
items. Names and definitions are those of RecTools (`rectools.metrics`), whose NDCG has the option
``divide_by_achievable=True`` for what stands here.
"""

import numpy as np
from numpy.typing import NDArray

from lab.matrices.cells import Csr

Values = NDArray[np.float64]
Hits = NDArray[np.bool_]
Rows = NDArray[np.int64]


def hits_of(columns: Rows, relevant: Csr) -> Hits:
    """Return (U, k) whether users chose the items of their lists.

    Parameters
    ----------
    columns
        (U, k) items, -1 behind the end of a list.
    relevant
        (U, I) with a stored cell where a user chose an item.
    """
    n_items = relevant.shape[1]
    lines = np.repeat(np.arange(len(columns)), np.diff(relevant.indptr))
    chosen = lines * n_items + relevant.indices
    keys = np.arange(len(columns))[:, None] * n_items + columns
    return np.isin(keys, chosen) & (columns >= 0)


def precision(hits: Hits, n_relevant: Rows, k: int) -> Values:
    """Return (U,) shares of k positions that are hits; a list that is too short loses by it.

    >>> precision(np.array([[True, False]]), np.array([3]), 2).tolist()
    [0.5]
    """
    del n_relevant
    found: Values = hits[:, :k].sum(axis=1) / k
    return found


def recall(hits: Hits, n_relevant: Rows, k: int) -> Values:
    """Return (U,) shares of what a user chose that is on the list.

    >>> recall(np.array([[True, False]]), np.array([4]), 2).tolist()
    [0.25]
    """
    found: Values = hits[:, :k].sum(axis=1) / n_relevant
    return found


def ndcg(hits: Hits, n_relevant: Rows, k: int) -> Values:
    """Return (U,) discounted gains over the best that could be had (Jarvelin and Kekalainen 2002).

    >>> ndcg(np.array([[False, True]]), np.array([1]), 2).round(3).tolist()
    [0.631]
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    gains = hits[:, :k] @ discounts[: hits.shape[1]]
    found: Values = gains / np.cumsum(discounts)[np.minimum(n_relevant, k) - 1]
    return found


ACCURACY = {"precision": precision, "recall": recall, "ndcg": ndcg}
"""By name."""
