"""Shape of a list: diverse items, and a limit for each category."""

from collections import Counter
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
    choice = _MarginalRelevance(pool, shape.diversity)
    shown: list[int] = []
    left_out: list[int] = []
    counts: Counter[str] = Counter()
    for _ in pool.scores:
        if len(shown) == k:
            break
        row = choice.best()
        categories = set(pool.categories[row])
        if shape.max_per_category is not None and any(
            counts[category] >= shape.max_per_category for category in categories
        ):
            choice.pass_over(row)
            left_out.append(row)
            continue
        choice.show(row)
        counts.update(categories)
        shown.append(row)
    return shown + left_out[: k - len(shown)]


class _MarginalRelevance:
    """Marginal relevance of each candidate to the list so far."""

    def __init__(self, pool: Pool, diversity: float) -> None:
        self._diversity = diversity
        self._relevance = (1 - diversity) * _relevance(pool.scores)
        lengths = np.linalg.norm(pool.embeddings, axis=1, keepdims=True)
        self._has_vector = lengths[:, 0] > 0
        self._directions: Numbers = np.divide(
            pool.embeddings, np.where(lengths > 0, lengths, 1), dtype=np.float32
        )
        self._cosines = _cosines_of_pairs(self._directions[self._has_vector][:_N_COMPARED])
        self._similarity = np.zeros(len(pool.scores))

    def best(self) -> int:
        """Return the row of the best that is left; of equals the one further up in the pool."""
        return _best(self._relevance, self._similarity, self._diversity)

    def show(self, row: int) -> None:
        """Put a candidate into the list."""
        self.pass_over(row)
        if self._diversity > 0 and self._has_vector[row] and len(self._cosines):
            _compare_with(row, self._directions, self._has_vector, self._cosines, self._similarity)

    def pass_over(self, row: int) -> None:
        """Take a candidate out of the pool."""
        self._relevance[row] = -np.inf


@compiled
def _best(relevance: Amounts, similarity: Amounts, diversity: float) -> int:
    best, best_value = 0, -np.inf
    for row in range(len(relevance)):
        value = relevance[row] - diversity * similarity[row]
        if value > best_value:
            best, best_value = row, value
    return best


@compiled
def _compare_with(
    shown: int, directions: Numbers, has_vector: NDArray[np.bool_], cosines: Numbers, similarity: Amounts
) -> None:
    """Raise the similarity of what is like the one shown to the share of pairs that are less alike."""
    for row in range(len(similarity)):
        if has_vector[row]:
            cosine = np.float32(0)
            for component in range(directions.shape[1]):
                cosine += directions[row, component] * directions[shown, component]
            n_smaller, n_not_larger = (
                _n_below(cosines, cosine - _ROUNDING),
                _n_below(cosines, cosine + _ROUNDING),
            )
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
