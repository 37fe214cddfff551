"""Group-sequential bounds: a few looks, planned before, that cost hardly more users than a single one.

The false alarms that are allowed are spent little by little (Lan, DeMets 1983, Discrete sequential boundaries
for clinical trials), so few early on that the last bound is near that of a fixed look: the spending function
that is like the bounds of O'Brien and Fleming 1979. Probabilities are integrated look by look (Armitage,
McPherson, Rowe 1969, Repeated significance tests on accumulating data).
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.checks import refuse_bad_alpha

_N_NODES = 200
_WIDEST = 8.0
"""Standard deviations: nothing that counts lies beyond."""

Numbers = NDArray[np.float64]


def spent(fraction: float, alpha: float) -> float:
    """Return how much of a two-sided alpha is spent when this fraction of the users is there.

    >>> round(spent(0.5, 0.05), 5), round(spent(1.0, 0.05), 5)
    (0.00305, 0.05)
    """
    return 4 * float(ndtr(float(ndtri(alpha / 4)) / math.sqrt(min(fraction, 1.0)))) if fraction > 0 else 0.0


def bounds(fractions: Sequence[float], alpha: float = 0.05) -> list[float]:
    """Return for each look the |z| from which on a difference is significant, two-sided.

    Parameters
    ----------
    fractions
        Of the planned users that are there at each look, rising, the last at most 1.

    Raises
    ------
    InvalidInput
        When fractions do not rise from above 0 to at most 1.

    >>> [round(one, 3) for one in bounds([0.2, 0.4, 0.6, 0.8, 1.0])]
    [4.877, 3.357, 2.68, 2.29, 2.031]
    """
    refuse_bad_alpha(alpha)
    if not fractions or any(not a < b for a, b in zip((0.0, *fractions), (*fractions, 2.0), strict=True)):
        raise InvalidInput(f"fractions {list(fractions)}: wanted some that rise from above 0 to at most 1")
    if fractions[-1] > 1:
        raise InvalidInput(f"the last fraction is {fractions[-1]}: wanted at most 1")
    found: list[float] = []
    before = 0.0
    # The sum of what was seen so far is a Brownian motion at the fraction; weights are its density, times the
    # length that a node stands for. It starts in one point.
    sums, weights = np.zeros(1), np.ones(1)
    for fraction in fractions:
        step = math.sqrt(fraction - before)
        one_side = (spent(fraction, alpha) - spent(before, alpha)) / 2
        bound = _bound(sums, weights, step, one_side, math.sqrt(fraction))
        found.append(bound)
        sums, weights = _continued(sums, weights, step, bound * math.sqrt(fraction))
        before = fraction
    return found


def _bound(sums: Numbers, weights: Numbers, step: float, one_side: float, scale: float) -> float:
    def excess(z: float) -> float:
        return float((weights * ndtr((sums - z * scale) / step)).sum()) - one_side

    return _WIDEST if excess(_WIDEST) > 0 or one_side <= 0 else float(brentq(excess, 0.0, _WIDEST))


def _continued(sums: Numbers, weights: Numbers, step: float, limit: float) -> tuple[Numbers, Numbers]:
    nodes, lengths = np.polynomial.legendre.leggauss(_N_NODES)
    later = nodes * limit
    distances = (later[:, None] - sums[None, :]) / step
    density = np.exp(-(distances**2) / 2) @ weights / (step * math.sqrt(2 * math.pi))
    return later, density * lengths * limit
