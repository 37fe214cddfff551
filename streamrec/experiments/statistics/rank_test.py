"""Rank test of Mann and Whitney, for outcomes that are far from normal."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from streamrec.experiments.statistics.checks import finite


class RankTest(NamedTuple):
    """Result of a rank test.

    Attributes
    ----------
    u
        Pairs in which the variant's user has more than the control's, ties half.
    p_value
        Two-sided, by the normal approximation with corrections for ties and continuity.
    superiority
        Share of the pairs, ties half: .5 where neither has more.
    """

    u: float
    p_value: float
    superiority: float


def mann_whitney(control: ArrayLike, variant: ArrayLike) -> RankTest:
    """Compare two samples by the ranks of their values (Mann, Whitney 1947).

    Raises
    ------
    InvalidInput
        When one has no values, or values that are not finite.

    >>> mann_whitney([1, 2, 3], [1, 2, 3])
    RankTest(u=4.5, p_value=1.0, superiority=0.5)
    """
    a, b = finite("control", control), finite("variant", variant)
    n_a, n_b = len(a), len(b)
    n = n_a + n_b
    _, of_value, n_ties = np.unique(np.concatenate([a, b]), return_inverse=True, return_counts=True)
    n_ties = n_ties.astype(np.float64)
    mid_ranks = np.cumsum(n_ties) - (n_ties - 1) / 2
    u = float(mid_ranks[of_value[n_a:]].sum()) - n_b * (n_b + 1) / 2
    ties = float((n_ties**3 - n_ties).sum()) / (n * (n - 1))
    deviation = math.sqrt(max(n_a * n_b / 12 * (n + 1 - ties), 0.0))
    distance = abs(u - n_a * n_b / 2) - 0.5
    p_value = min(1.0, float(2 * ndtr(-distance / deviation))) if deviation and distance > 0 else 1.0
    return RankTest(u, p_value, u / (n_a * n_b))
