"""Columns of candidates in context, in one compiled pass over what was found."""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.category_table import MOST_CATEGORIES
from streamrec.domain.items.content_tokens import MOST_TO_RANK_BY
from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking.scene import Array, Scene, described, visited, worth_of
from streamrec.domain.ranking.shared_categories import alike_by_words, nothing_shared, shared_categories
from streamrec.domain.rows.compiled import compiled, inlined
from streamrec.domain.rows.item_numbers import Marks, Numbers
from streamrec.domain.rows.places import mark_places

Amounts = NDArray[np.float64]

_T = TypeVar("_T", bound=np.generic)


class Past(NamedTuple):
    """History of a user, newest first, as arrays.

    Attributes
    ----------
    near, counts
        See `joined`.
    ages_s
        Seconds since each was chosen, as far as it is known.
    rows
        Rows of their metadata; none where nothing is known of any item.
    """

    near: Amounts
    counts: Numbers
    ages_s: Amounts
    rows: Numbers


class Known(NamedTuple):
    """Facts about items that are the same whatever a user chose.

    Attributes
    ----------
    categories, words, weights
        See `CategoryTable`.
    nearest, logits
        Items nearest to the user by the model, best first; none where that is not known.
    ever, n_ever, lately, n_lately
        Items that were chosen, and how often.
    """

    categories: NDArray[np.int16]
    words: NDArray[np.int16]
    weights: NDArray[np.float32]
    nearest: Numbers
    logits: Amounts
    ever: Numbers
    n_ever: Amounts
    lately: Numbers
    n_lately: Amounts


NO_ROWS: Numbers = np.zeros(0, np.int64)
"""Of nobody: nothing is known of any item."""

NO_CONTENTS = (
    np.zeros((0, MOST_CATEGORIES), np.int16),
    np.zeros((0, MOST_TO_RANK_BY), np.int16),
    np.zeros(0, np.float32),
)
"""Categories, words and weights of nobody."""


# Flat arrays, no tuples of them: to tell the type of a tuple takes longer than most of what is done here.
@compiled
def columns_in_context(  # noqa: PLR0913
    numbers: Numbers,
    rows: Numbers,
    left_out: int,
    scale_s: float,
    near: Amounts,
    counts: Numbers,
    ages_s: Amounts,
    rows_of_last: Numbers,
    categories: NDArray[np.int16],
    words: NDArray[np.int16],
    weights: NDArray[np.float32],
    nearest: Numbers,
    logits: Amounts,
    ever: Numbers,
    n_ever: Amounts,
    lately: Numbers,
    n_lately: Amounts,
    marks: Marks,
) -> Array:
    """Return the (K, N) columns of N candidates.

    Parameters
    ----------
    rows
        Of metadata, by the items' numbers; `NO_ROWS` where nothing is known.
    left_out
        Age of an item that the user had not chosen; `NOBODY`: all count.
    scale_s
        See `worth`.
    near, counts, ages_s, rows_of_last
        See `Past`; of one item more where one is left out.
    categories, words, weights, nearest, logits, ever, n_ever, lately, n_lately
        See `Known`.
    """
    shared, alike = nothing_shared(len(numbers)), np.zeros((2, len(numbers)), np.float32)
    if len(rows) > 0:
        last = _last(rows_of_last, left_out)
        own = rows[numbers]
        shared = shared_categories(_taken(categories, own), _taken(categories, last))
        alike = alike_by_words(_taken(words, own), _taken(words, last), weights)
    chosen = np.zeros((2, len(numbers)), np.float32)
    _set_scores(chosen[0], numbers, ever, n_ever, marks)
    _set_scores(chosen[1], numbers, lately, n_lately, marks)
    below_best = _below_best(numbers, nearest, logits, marks)
    worth = worth_of(_last(ages_s, left_out), scale_s)
    columns = visited(numbers, near, counts, worth, left_out, marks)
    return described(Scene(columns, shared, below_best, chosen, alike))


@inlined
def _last(of_items: NDArray[_T], left_out: int) -> NDArray[_T]:
    """Return what is said of the last `N_LAST` items but one."""
    last, n = np.empty(N_LAST, of_items.dtype), 0
    for age in range(len(of_items)):
        if age != left_out and n < N_LAST:
            last[n] = of_items[age]
            n += 1
    return last[:n]


@inlined
def _taken(table: NDArray[np.int16], rows: Numbers) -> NDArray[np.int16]:
    """Return (N, M) some rows of a table."""
    taken = np.empty((len(rows), table.shape[1]), np.int16)
    for position, row in enumerate(rows):
        for column in range(table.shape[1]):
            taken[position, column] = table[row, column]
    return taken


@compiled
def _set_scores(found: Array, numbers: Numbers, ranked: Numbers, scores: Amounts, marks: Marks) -> None:
    mark_places(marks, numbers, ranked)
    for row, number in enumerate(numbers):
        if marks[number] >= 0:
            # Whoever wrote a score below 0, such as by another rule, has counted nobody.
            found[row] = max(scores[marks[number]], 0.0)


@compiled
def _below_best(numbers: Numbers, nearest: Numbers, logits: Amounts, marks: Marks) -> Array:
    """Return (N,) how far each lies below the user's best; infinite where that is not known."""
    mark_places(marks, numbers, nearest)
    below = np.empty(len(numbers), np.float32)
    for row, number in enumerate(numbers):
        place = marks[number]
        below[row] = logits[0] - logits[place] if place >= 0 else np.inf
    return below
