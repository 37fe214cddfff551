"""Power: how many users it takes to find a difference, and how small a difference so many users can find.

By the normal approximation for one look, two-sided (Fleiss, Levin, Paik 2003, Statistical methods for rates
and proportions, section 4.2). Readers who look at any time pay for it: `n_for_sequence`.
"""

import math
from typing import NamedTuple

from scipy.special import ndtr, ndtri

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.checks import refuse_bad_alpha
from streamrec.experiments.statistics.sequences import reach_in_errors

DEFAULT_POWER = 0.8


class Spread(NamedTuple):
    """Standard deviations of one user's outcome, in the control and in the variant."""

    control: float
    variant: float


def power(uplift: float, spread: Spread, n_control: float, n_variant: float, alpha: float = 0.05) -> float:
    """Return the probability that an uplift is found significant.

    >>> round(power(0.5, Spread(1.0, 1.0), 63, 63), 2)
    0.8
    """
    refuse_bad_alpha(alpha)
    error = _error(spread, n_control, n_variant)
    needed = float(ndtri(1 - alpha / 2))
    return float(ndtr(abs(uplift) / error - needed) + ndtr(-abs(uplift) / error - needed))


def errors_apart(alpha: float, wanted: float = DEFAULT_POWER) -> float:
    """Return how many standard errors an uplift has to be, to be found with the wanted power.

    >>> round(errors_apart(0.05), 3)
    2.802
    """
    refuse_bad_alpha(alpha)
    if not alpha < wanted < 1:
        raise InvalidInput(f"power {wanted}: wanted a number above alpha, {alpha}, and below 1")
    return float(ndtri(1 - alpha / 2) + ndtri(wanted))


def detectable(
    spread: Spread, n_control: float, n_variant: float, alpha: float = 0.05, wanted: float = DEFAULT_POWER
) -> float:
    """Return the least uplift that is found with the wanted power.

    >>> round(detectable(Spread(1.0, 1.0), 63, 63), 2)
    0.5
    """
    return errors_apart(alpha, wanted) * _error(spread, n_control, n_variant)


def n_for(
    uplift: float, spread: Spread, alpha: float = 0.05, wanted: float = DEFAULT_POWER, ratio: float = 1.0
) -> int:
    """Return the users of the control that it takes, the variant having `ratio` times as many.

    >>> n_for(0.5, Spread(1.0, 1.0))
    63
    """
    if not (uplift and math.isfinite(uplift) and ratio > 0):
        raise InvalidInput(f"uplift {uplift}, ratio {ratio}: wanted an uplift other than 0, a ratio above 0")
    _refuse_bad_spread(spread)
    variance = spread.control**2 + spread.variant**2 / ratio
    return max(2, math.ceil(errors_apart(alpha, wanted) ** 2 * variance / uplift**2))


def n_for_sequence(uplift: float, spread: Spread, alpha: float = 0.05, wanted: float = DEFAULT_POWER) -> int:
    """Return the users of each of two variants with which a sequence, planned for as many, leaves 0.

    >>> n_for_sequence(0.5, Spread(1.0, 1.0)) / n_for(0.5, Spread(1.0, 1.0)) < 2
    True
    """
    fixed = n_for(uplift, spread, alpha, wanted)
    # At the planned number of users the reach is the same whatever that number is.
    reach = reach_in_errors(1000.0, alpha, n_planned=1000.0)
    factor = (reach + float(ndtri(wanted))) / errors_apart(alpha, wanted)
    return math.ceil(fixed * factor**2)


def _error(spread: Spread, n_control: float, n_variant: float) -> float:
    _refuse_bad_spread(spread)
    if not (n_control >= 1 and n_variant >= 1):
        raise InvalidInput(f"{n_control} and {n_variant} users: wanted at least one of each")
    return math.sqrt(spread.control**2 / n_control + spread.variant**2 / n_variant)


def _refuse_bad_spread(spread: Spread) -> None:
    if not all(math.isfinite(one) and one >= 0 for one in spread) or not any(spread):
        raise InvalidInput(f"{spread}: wanted finite standard deviations of at least 0, not both 0")
