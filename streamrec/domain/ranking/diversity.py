"""Shape of a list: diverse items, and a limit for each category."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, inlined

Numbers = NDArray[np.float32]
Amounts = NDArray[np.float64]

MIN_POOL = 50
MAX_POOL = 1000
POOL_FACTOR = 5
"""Candidates per item wanted that a list is chosen from: farther down, dissimilar items are irrelevant."""

_N_COMPARED = 50
"""Best of a pool, whose pairs give the scale of similarity: more change little, at a quadratic cost."""

_ROUNDING = 1e-6
"""Cosines this close are equal."""


class Shape(NamedTuple):
    """Shape wanted of a list.

    Attributes
    ----------
    diversity
        0: the best first, as they come; 1: as dissimilar as can be; between: weighed.
    max_per_category
        Items of any one category; None: any number.
    """

    diversity: float = 0.0
    max_per_category: int | None = None

    @property
    def changes_lists(self) -> bool:
        """Whether a list may come out otherwise than it went in."""
        return self.diversity > 0 or self.max_per_category is not None


class Pool(NamedTuple):
    """P candidates, best first.

    Attributes
    ----------
    scores
        (P,), higher is better; only differences count, and those relative to the pool's whole span.
    embeddings
        (P, D), without biases; a row of zeros is an item that nothing is known of: it is unlike all others.
    categories
        Of each; an item may have none.
    """

    scores: Sequence[float]
    embeddings: Numbers
    categories: Sequence[Sequence[str]]


def pool_size(k: int) -> int:
    """Return how many candidates a list of `k` is chosen from.

    >>> [pool_size(k) for k in (1, 20, 1000)]
    [50, 100, 1000]
    """
    return min(max(MIN_POOL, POOL_FACTOR * k), MAX_POOL)


def arranged(pool: Pool, k: int, shape: Shape) -> list[int]:
    """Return the rows in the pool of up to `k` candidates, in the order in which they are to be shown.

    By maximal marginal relevance (Carbonell and Goldstein 1998, The use of MMR, section 2): each position
    goes to the candidate with the best (1 - diversity) * relevance - diversity * similarity to the most
    similar one shown above it. The similarity of two is the share of the pool's pairs whose cosine is
    smaller, equal ones counting half: where all cosines are high, their differences count as much as
    elsewhere. O(P * k).

    The cap on categories is soft. An item of several categories counts in each, one without any is never
    capped; when the pool has too few others, the best of those left out fill the end of the list: a page of
    one category is better than half a page.

    >>> pool = Pool([3.0, 2.9, 1.0], np.array([[1, 0], [1, 0], [0, 1]], np.float32), [["a"], ["a"], ["b"]])
    >>> arranged(pool, 3, Shape()), arranged(pool, 2, Shape(diversity=0.7))
    ([0, 1, 2], [0, 2])
    >>> arranged(pool, 3, Shape(max_per_category=1))
    [0, 2, 1]
    """
    diversity, cap = shape
    lengths = np.linalg.norm(pool.embeddings, axis=1, keepdims=True)
    has_vector = lengths[:, 0] > 0
    directions = np.divide(pool.embeddings, np.where(has_vector[:, None], lengths, 1), dtype=np.float32)
    order = _by_margin(
        (1 - diversity) * _relevance(pool.scores),
        directions,
        has_vector,
        _cosines_of_pairs(directions[has_vector][:_N_COMPARED]) if diversity > 0 else _NO_COSINES,
        diversity,
        _NO_CATEGORIES if cap is None else _numbered(pool.categories),
        len(pool.scores) if cap is None else cap,
        k,
    )
    rows: list[int] = order.tolist()
    return rows


_NO_COSINES: Numbers = np.zeros(0, np.float32)

_NO_CATEGORIES = np.zeros((0, 0), np.int64)


def _numbered(categories: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Return (P, M) the categories of each as numbers, each once; -1 where there are no more."""
    number_of: dict[str, int] = {}
    of_each = [{number_of.setdefault(name, len(number_of)) for name in names} for names in categories]
    numbers = np.full((len(of_each), max(map(len, of_each), default=0)), -1)
    for row, own in zip(numbers, of_each, strict=True):
        row[: len(own)] = list(own)
    return numbers


@compiled
def _by_margin(  # noqa: PLR0913
    relevance: Amounts,
    directions: Numbers,
    has_vector: NDArray[np.bool_],
    cosines: Numbers,
    diversity: float,
    categories: NDArray[np.int64],
    cap: int,
    k: int,
) -> NDArray[np.int64]:
    """Return the rows of up to `k` candidates; of equal ones the one further up in the pool comes first."""
    n = len(relevance)
    is_left, closest, similarity = np.ones(n, np.bool_), np.full(n, np.float32(-2)), np.zeros(n)
    counts = np.zeros(categories.size, np.int64)
    shown, left_out = np.empty(min(k, n), np.int64), np.empty(n, np.int64)
    n_shown = n_left_out = 0
    while n_shown < len(shown) and n_shown + n_left_out < n:
        best, best_value = 0, -np.inf
        for row in range(n):
            value = relevance[row] - diversity * similarity[row]
            if is_left[row] and value > best_value:
                best, best_value = row, value
        is_left[best] = False
        if len(categories) and not _counted(categories[best], counts, cap):
            left_out[n_left_out] = best
            n_left_out += 1
            continue
        shown[n_shown] = best
        n_shown += 1
        if len(cosines) and has_vector[best]:
            _compare_with(best, directions, has_vector & is_left, cosines, closest, similarity)
    shown[n_shown:] = left_out[: len(shown) - n_shown]
    return shown


@compiled
def _counted(own: NDArray[np.int64], counts: NDArray[np.int64], cap: int) -> bool:
    """Count one more in each of its categories; not where one has as many as it may."""
    for category in own:
        if category >= 0 and counts[category] >= cap:
            return False
    for category in own:
        if category >= 0:
            counts[category] += 1
    return True


@compiled
def _compare_with(
    shown: int,
    directions: Numbers,
    is_compared: NDArray[np.bool_],
    cosines: Numbers,
    closest: Numbers,
    similarity: Amounts,
) -> None:
    """Raise the similarity of what is like the one shown to the share of pairs that are less alike."""
    for row in range(len(similarity)):
        if is_compared[row]:
            cosine = np.float32(0)
            for component in range(directions.shape[1]):
                cosine += directions[row, component] * directions[shown, component]
            if cosine > closest[row]:  # else it is less like this one than like another
                closest[row] = cosine
                n_smaller = _n_below(cosines, cosine - _ROUNDING)
                n_not_larger = _n_below(cosines, cosine + _ROUNDING)
                similarity[row] = max(similarity[row], (n_smaller + n_not_larger) / (2 * len(cosines)))


@inlined
def _n_below(ascending: Numbers, bound: float | np.float32) -> int:
    """Return how many of some ascending numbers are below a bound."""
    low, high = 0, len(ascending)
    while low < high:
        middle = (low + high) // 2
        if ascending[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low


@cache
def _pairs(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each pair of up to 50 numbers once."""
    return np.triu_indices(n, 1)


def _cosines_of_pairs(directions: Numbers) -> Numbers:
    """Return the cosines of all pairs of (N, D) directions, ascending."""
    return np.sort((directions @ directions.T)[_pairs(len(directions))])


def _relevance(scores: Sequence[float]) -> NDArray[np.float64]:
    """Return (P,) 1 for the best of the pool to 0 for the last, never rising: the order given is kept.

    >>> _relevance([5.0, 3.0, 1.0]).tolist(), _relevance([2.0, 2.0]).tolist()
    ([1.0, 0.5, 0.0], [1.0, 1.0])
    """
    falling = np.minimum.accumulate(np.asarray(scores, np.float64))
    span = falling[:1] - falling[-1:]
    return np.asarray(1 - (falling[:1] - falling) / np.where(span > 0, span, 1))
