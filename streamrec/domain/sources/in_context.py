"""Columns of candidates in context, in one compiled pass over what was found."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.category_table import MOST_CATEGORIES
from streamrec.domain.items.content_tokens import MOST_TO_RANK_BY
from streamrec.domain.ranking.scene import Array, Scene, described, worth_of
from streamrec.domain.ranking.shared_categories import alike_by_words, nothing_shared, shared_categories
from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.item_numbers import Marks, Numbers
from streamrec.domain.rows.places import mark_places
from streamrec.domain.similarity.visits import beside

Amounts = NDArray[np.float64]

NO_CATEGORIES = np.zeros((0, MOST_CATEGORIES), np.int16)
"""Of nobody: nothing is known of any item."""

NO_WORDS = np.zeros((0, MOST_TO_RANK_BY), np.int16)

NO_WEIGHTS = np.zeros(0, np.float32)


# Flat arrays, no tuples of them: to tell the type of a tuple takes longer than most of what is done here.
@compiled
def columns_in_context(  # noqa: PLR0913
    numbers: Numbers,
    near: Amounts,
    counts: Numbers,
    ages_s: Amounts,
    scale_s: float,
    of_candidates: NDArray[np.int16],
    of_last: NDArray[np.int16],
    words: NDArray[np.int16],
    words_of_last: NDArray[np.int16],
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
    near, counts
        Neighbours of the history, see `Visits`.
    ages_s, scale_s
        See `worth`.
    of_candidates, of_last
        See `shared_categories`; `NO_CATEGORIES` where nothing is known.
    words, words_of_last, weights
        See `alike_by_words`; `NO_WORDS` where nothing is known.
    nearest, logits
        Items nearest to the user by the model, best first; none where that is not known.
    ever, n_ever, lately, n_lately
        Items that were chosen, and how often.
    """
    similar, follows = beside(numbers, near, counts, marks)
    shared, alike = nothing_shared(len(numbers)), np.zeros((2, len(numbers)), np.float32)
    if len(of_candidates) > 0:
        shared = shared_categories(of_candidates, of_last)
        alike = alike_by_words(words, words_of_last, weights)
    chosen = np.zeros((2, len(numbers)), np.float32)
    _set_scores(chosen[0], numbers, ever, n_ever, marks)
    _set_scores(chosen[1], numbers, lately, n_lately, marks)
    below_best = _below_best(numbers, nearest, logits, marks)
    worth = worth_of(ages_s, scale_s)
    return described(Scene(similar, follows, worth, shared, below_best, chosen, alike))


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
