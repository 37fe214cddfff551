"""Categories and words that candidates share with what a user chose last."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.category_table import N_NUMBERS
from streamrec.domain.rows.compiled import compiled, inlined

Array = NDArray[np.float32]

_FADING = 0.93
"""Share of its worth that a choice keeps for each one after it, as far as categories go."""


_WORDS_FADING = 0.95
"""The same for its words."""


class SharedCategories(NamedTuple):
    """Categories of N candidates beside those of the user's last choices.

    Attributes
    ----------
    share
        (N,) mean share that each candidate's categories have in the last choices, the newest counting most.
    overlap
        (N,) categories in common with the newest choice, as a share of those that either has.
    """

    share: Array
    overlap: Array


@compiled
def nothing_shared(n: int) -> SharedCategories:
    """Return what is said of N candidates when nothing is known."""
    zeros = np.zeros(n, np.float32)
    return SharedCategories(zeros, zeros)


@compiled
def shared_categories(of_candidates: NDArray[np.int16], of_last: NDArray[np.int16]) -> SharedCategories:
    """Return what candidates share with the last choices.

    Parameters
    ----------
    of_candidates
        (N, 8) numbers, see `CategoryTable`.
    of_last
        (M, 8) the same of up to 20 last choices, newest first; those without any do not count.

    >>> from streamrec.domain.items.category_table import CategoryTable
    >>> table = CategoryTable()
    >>> for item_id, names in {"a": ("war", "drama"), "b": ("war",), "c": ("comedy",)}.items():
    ...     table.put(item_id, names)
    >>> shared = shared_categories(table.of("abc"), table.of("ba"))
    >>> [round(share, 2) for share in shared.share.tolist()], shared.overlap.tolist()
    ([0.74, 1.0, 0.0], [0.5, 1.0, 0.0])
    """
    share_of, is_of_newest = np.zeros(N_NUMBERS, np.float32), np.zeros(N_NUMBERS, np.bool_)
    total, worth, n_of_newest = 0.0, 1.0, 0
    for of_choice in of_last:
        total += worth if of_choice[0] < N_NUMBERS else 0.0
        worth *= _FADING
    worth = 1.0 / max(total, 1e-9)
    for age, of_choice in enumerate(of_last):
        for number in of_choice:
            if number < N_NUMBERS:
                share_of[number] += worth
                is_of_newest[number] |= age == 0
                n_of_newest += age == 0
        worth *= _FADING
    shares = np.zeros(len(of_candidates), np.float32)
    overlaps = np.zeros(len(of_candidates), np.float32)
    for position, own in enumerate(of_candidates):
        share, n_common, n_own = np.float32(0), 0, 0
        for number in own:
            if number < N_NUMBERS:
                share += share_of[number]
                n_common += is_of_newest[number]
                n_own += 1
        shares[position] = share / max(n_own, 1)
        overlaps[position] = n_common / max(n_own + n_of_newest - n_common, 1)
    return SharedCategories(shares, overlaps)


@compiled
def alike_by_words(
    of_candidates: NDArray[np.int16], of_last: NDArray[np.int16], weights: NDArray[np.float32]
) -> Array:
    """Return (2, N) cosines of the words of N candidates with those of the last choices, and of the newest.

    Each choice is a vector of length one of its words' weights, and fades with each later one.

    Parameters
    ----------
    of_candidates
        (N, 16) numbers, see `CategoryTable`; behind the last one of an item there is no other.
    of_last
        (L, 16) those of the last choices, newest first.
    weights
        (N_WORDS + 1,) of words, 0 where there is none.

    >>> from streamrec.domain.items.category_table import CategoryTable
    >>> table = CategoryTable()
    >>> for item_id, words in {"a": [1, 2], "b": [2, 3], "c": [4]}.items():
    ...     table.put(item_id, (), words=words)
    >>> words = table.words.take(table.rows("abc"), axis=0)
    >>> alike = alike_by_words(words, words[:1], table.weights)
    >>> (10 * alike).round().tolist()
    [[10.0, 3.0, 0.0], [10.0, 3.0, 0.0]]
    """
    profiles = _profiles(of_last, weights)
    alike = np.zeros((2, len(of_candidates)), np.float32)
    for row, words in enumerate(of_candidates):
        length = _length_of(words, weights)
        if length > 0:
            for number in words:
                if number == len(weights) - 1:
                    break
                alike[0, row] += profiles[0, number] * weights[number] / length
                alike[1, row] += profiles[1, number] * weights[number] / length
    return alike


@compiled
def _profiles(of_last: NDArray[np.int16], weights: NDArray[np.float32]) -> Array:
    """Return (2, N_WORDS + 1) vectors of length one: words of the last choices, and of the newest."""
    profiles = np.zeros((2, len(weights)), np.float32)
    worth = np.float32(1)
    for age, words in enumerate(of_last):
        length = _length_of(words, weights)
        if length > 0:
            for number in words:
                profiles[0, number] += worth * weights[number] / length
                if age == 0:
                    profiles[1, number] = weights[number] / length
        worth *= np.float32(_WORDS_FADING)
    whole = np.sqrt((profiles[0] * profiles[0]).sum())
    if whole > 0:
        profiles[0] /= whole
    return profiles


@inlined
def _length_of(words: NDArray[np.int16], weights: NDArray[np.float32]) -> np.float32:
    """Return the length of the vector of an item's words."""
    square = np.float32(0)
    for number in words:
        square += weights[number] * weights[number]
    length: np.float32 = np.sqrt(square)
    return length
