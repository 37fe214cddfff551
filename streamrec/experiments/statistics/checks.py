"""Checks of what functions of this package are given: errors name what does not fit."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamrec.errors import InvalidInput


def refuse_bad_alpha(alpha: float) -> None:
    """Look at a probability of false alarms.

    Raises
    ------
    InvalidInput
        When it does not lie between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise InvalidInput(f"alpha {alpha}: wanted a number between 0 and 1")


def finite(name: str, values: ArrayLike, n_at_least: int = 1) -> NDArray[np.float64]:
    """Return values as an array of numbers.

    Raises
    ------
    InvalidInput
        When one is not finite, or there are too few.
    """
    numbers = np.asarray(values, np.float64)
    if len(numbers) < n_at_least:
        raise InvalidInput(f"{name}: {len(numbers)} values, wanted at least {n_at_least}")
    n_bad = int((~np.isfinite(numbers)).sum())
    if n_bad:
        raise InvalidInput(f"{name}: {n_bad} of {numbers.size} values are not finite numbers")
    return numbers


def refuse_bad_counts(counts: Sequence[int], weights: Sequence[float]) -> None:
    """Look at counts of users by variant, and the weights of the variants.

    Raises
    ------
    InvalidInput
        When there are fewer than two, not as many weights, or numbers that no count or weight can be.
    """
    if len(counts) < 2 or len(counts) != len(weights):
        raise InvalidInput(f"{len(counts)} counts and {len(weights)} weights: wanted two or more of both")
    if any(not math.isfinite(count) or count < 0 for count in counts):
        raise InvalidInput(f"counts {list(counts)}: wanted whole numbers of at least 0")
    if any(not math.isfinite(weight) or weight <= 0 for weight in weights):
        raise InvalidInput(f"weights {list(weights)}: wanted finite numbers above 0")
