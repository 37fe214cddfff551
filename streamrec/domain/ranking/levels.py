"""Levels of amounts, beside the best on a scale of logarithms, and probabilities of scores."""

import math

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled, inlined

Floats = NDArray[np.float32]

LEAST_SHARE = np.float32(0.01)
"""Amounts under this share of the best one are all the same: noise, on a scale of logarithms."""

_LEAST_AMOUNT = np.float32(1e-30)
"""Less is nothing; its reciprocal would be no number."""

_PER_RANGE = np.float32(-1 / math.log(LEAST_SHARE))

_ONE, _TWO, _LN_2 = np.float32(1.0), np.float32(2.0), np.float32(math.log(2.0))

_HALVED = (0.5 ** np.arange(0.5, 4.0)).astype(np.float32)
"""Root of a half, and its halves."""


@inlined
def level_of(amount: np.float32, best: np.float32) -> np.float32:
    """Return 1 for the best, 0 from a hundredth of it down, and a half for a tenth of it; within 1e-6.

    Nothing is a level where the best is no amount at all.

    >>> [round(float(level_of(np.float32(amount), np.float32(8))), 2) for amount in (8.0, 0.8, 0.0)]
    [1.0, 0.5, 0.0]
    """
    share = amount / best if best > _LEAST_AMOUNT else np.float32(0)
    # The logarithm, without a library's function for each: twos down to a hundredth, and for the rest, from
    # the root of a half to that of two, a series of (rest - 1) / (rest + 1).
    rest, twos = (share * np.float32(16), np.float32(-4)) if share < _HALVED[3] else (share, np.float32(0))
    rest, twos = (rest * np.float32(4), twos - np.float32(2)) if rest < _HALVED[1] else (rest, twos)
    rest, twos = (rest * _TWO, twos - _ONE) if rest < _HALVED[0] else (rest, twos)
    part = (rest - _ONE) / (rest + _ONE)
    square = part * part
    series = np.float32(1 / 5) + square * (np.float32(1 / 7) + square * np.float32(1 / 9))
    logarithm = twos * _LN_2 + _TWO * part * (_ONE + square * (np.float32(1 / 3) + square * series))
    return _ONE + logarithm * _PER_RANGE if share > LEAST_SHARE else np.float32(0)


@inlined
def replace_by_levels(amounts: NDArray[np.float32]) -> None:
    """Replace (N,) amounts by their levels beside the largest."""
    best = np.float32(0)
    for amount in amounts:
        best = max(best, amount)
    for row in range(len(amounts)):
        amounts[row] = level_of(amounts[row], best)


def softmax(scores: Floats) -> Floats:
    """Return (N,) probabilities of (N,) scores."""
    odds: Floats = np.exp(scores - scores.max(initial=-np.inf))
    odds /= odds.sum()
    return odds


@compiled
def probabilities_of(sums: Floats, hidden: Floats, bias: Floats, output: Floats) -> Floats:
    """Return the same as `softmax` of the scores, without arrays between."""
    scores, highest = np.empty_like(sums), np.float32(-np.inf)
    for row in range(len(sums)):
        score = sums[row]
        for unit in range(len(bias)):
            score += max(hidden[row, unit] + bias[unit], np.float32(0)) * output[unit]
        scores[row] = score
        highest = max(highest, score)
    odds: Floats = np.exp(scores - highest)
    odds /= odds.sum()
    return odds


@compiled
def heaviest_ranks(
    columns: Floats, rows: NDArray[np.int64], weights: Floats, n_plain: int, first_extra: int
) -> NDArray[np.int64]:
    """Return, of (M,) candidates, the position of the source whose rank weighs most.

    Parameters
    ----------
    columns
        (C, N) features; ranks of `n_plain` sources stand first, those of extra ones from `first_extra` on.
    weights
        Of all these sources.
    """
    heaviest = np.zeros(len(rows), np.int64)
    for position, row in enumerate(rows):
        most = np.float32(-1)
        for source in range(len(weights)):
            column = source if source < n_plain else first_extra + source - n_plain
            weight = columns[column, row] * (weights[source] + np.float32(1e-6))
            if weight > most:
                most, heaviest[position] = weight, source
    return heaviest
