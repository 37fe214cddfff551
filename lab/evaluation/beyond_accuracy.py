"""Traits of lists that say nothing about hits: coverage, diversity, novelty, bias towards what is popular.

All take (U, k) `columns` of items, -1 behind the end of a list. Where RecTools (`rectools.metrics`) or
recmetrics has the same thing, the name here says so.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lab.evaluation.accuracy import Rows, Values
from lab.matrices.cells import Csr


def catalog_coverage(columns: Rows, n_items: int) -> float:
    """Return the share of all items that are on any list (RecTools: ``CatalogCoverage(normalize=True)``).

    >>> catalog_coverage(np.array([[0, 1], [1, -1]]), 4)
    0.5
    """
    return len(np.unique(columns[columns >= 0])) / max(1, n_items)


def category_diversity(columns: Rows, main_category: Rows) -> Values:
    """Return (U,) numbers of main categories on a list, of those that there could be; 0 of an empty list.

    A list of k items could have k of them, or as many as the catalogue has.

    Parameters
    ----------
    main_category
        (I,) category of each item, -1 without one.

    >>> category_diversity(np.array([[0, 1], [0, 2]]), np.array([0, 0, 1])).tolist()
    [0.5, 1.0]
    """
    n_categories = int(main_category.max(initial=-1)) + 1
    possible = min(columns.shape[1], n_categories)
    if not possible:
        return np.zeros(len(columns))
    of_positions = np.where(columns >= 0, main_category[columns], -1)
    lines, positions = np.nonzero(of_positions >= 0)
    pairs = np.unique(lines * n_categories + of_positions[lines, positions])
    found: Values = np.bincount(pairs // n_categories, minlength=len(columns)) / possible
    return found


def personalization(columns: Rows) -> float:
    """Return 1 minus the mean cosine of the lists of two users (recmetrics: ``personalization``).

    Over all pairs of users whose lists are not empty, without going through them: the sum of the products of
    unit vectors is the squared length of their sum. 0 of fewer than two lists.

    >>> round(personalization(np.array([[0, 1], [0, 1], [2, 3]])), 3)
    0.667
    """
    lengths = (columns >= 0).sum(axis=1)
    columns, lengths = columns[lengths > 0], lengths[lengths > 0]
    n_users = len(columns)
    if n_users < 2:
        return 0.0
    shares = np.broadcast_to((1 / np.sqrt(lengths))[:, None], columns.shape)
    total = np.bincount(columns[columns >= 0], shares[columns >= 0])
    of_pairs = (float(total @ total) - n_users) / (n_users * (n_users - 1))
    return 1 - of_pairs


def intra_list_similarity(columns: Rows, features: Csr) -> Values:
    """Return (U,) mean cosines of two items of a list (recmetrics: ``intra_list_similarity``).

    1 minus RecTools' ``IntraListDiversity`` by cosine distance. NaN of lists of fewer than two items; an item
    without features is like nothing.

    Parameters
    ----------
    features
        (I, F).

    >>> intra_list_similarity(np.array([[0, 1, 2]]), sparse.csr_array(np.array([[1.0, 0], [1, 0], [0, 1]])))
    array([0.33333333])
    """
    lengths = np.sqrt(np.asarray(features.power(2).sum(axis=1)))
    inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    units = sparse.csr_array(features.multiply(inverse[:, None]))
    lines, positions = np.nonzero(columns >= 0)
    shown = sparse.csr_array(
        (np.ones(len(lines)), (lines, columns[lines, positions])), shape=(len(columns), features.shape[0])
    )
    of_all = np.asarray((shown @ units).power(2).sum(axis=1))
    of_themselves = shown @ np.asarray(units.power(2).sum(axis=1))
    n_shown = (columns >= 0).sum(axis=1)
    n_pairs = n_shown * (n_shown - 1.0)
    found: Values = np.divide(
        of_all - of_themselves, n_pairs, out=np.full(len(columns), np.nan), where=n_pairs > 0
    )
    return found


def mean_inv_user_freq(columns: Rows, n_users_of: Rows, n_users: int) -> Values:
    """Return (U,) novelty: mean bits of surprise of a list's items (RecTools: ``MeanInvUserFreq``).

    An item that c of `n_users` chose before has -log2(c / n_users); one that nobody chose, as if one had. NaN
    of an empty list.

    Parameters
    ----------
    n_users_of
        (I,) c.

    >>> mean_inv_user_freq(np.array([[0, 1]]), np.array([4, 2]), 4).tolist()
    [0.5]
    """
    bits = -np.log2(np.maximum(n_users_of, 1) / max(1, n_users))
    return _mean_of_shown(columns, bits)


def avg_rec_popularity(columns: Rows, n_events_of: NDArray[np.integer]) -> Values:
    """Return (U,) popularity bias: mean events of a list's items (RecTools: ``AvgRecPopularity``).

    NaN of an empty list.

    >>> avg_rec_popularity(np.array([[0, -1]]), np.array([7, 3])).tolist()
    [7.0]
    """
    return _mean_of_shown(columns, n_events_of.astype(np.float64))


def _mean_of_shown(columns: Rows, of_items: Values) -> Values:
    is_shown = columns >= 0
    totals = np.where(is_shown, of_items[columns], 0.0).sum(axis=1)
    n_shown = is_shown.sum(axis=1)
    found: Values = np.divide(totals, n_shown, out=np.full(len(columns), np.nan), where=n_shown > 0)
    return found
