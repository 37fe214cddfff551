"""Always-valid inference: confidence sequences and p-values that may be read at any time, as often as wanted.

Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2021, Time-uniform central limit theory and asymptotic confidence
sequences (arXiv 2103.06476), theorem 2.2: the intervals of all times together hold the true difference with
a probability that tends to 1 - alpha, by the boundary of Robbins' normal mixture. It is asymptotic, as every
t-test on clicks is: `LEAST_USERS` of each variant are waited for.
"""

import math

from scipy.optimize import brentq
from scipy.special import betaln

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.checks import refuse_bad_alpha
from streamrec.experiments.statistics.means import Bounds, Difference

LEAST_USERS = 100
"""Of each variant, before a sequence begins: of fewer the normal approximation is too optimistic."""

PLANNED_USERS = 5000
"""Of both variants together, where a sequence is made narrowest when nobody says how many there will be. With
ten times as many, or a tenth, it is wider than it could be by a tenth to a fifth."""


PLANNED_PREFERENCES = 500
"""Users with a preference, where the sequence of interleaved credit is made narrowest."""


def best_rho(n_planned: float, alpha: float) -> float:
    """Return the mixture's parameter that makes a sequence narrowest at so many users (section 2.5 there).

    >>> round(best_rho(1000, 0.05), 5)
    0.08909
    """
    refuse_bad_alpha(alpha)
    if not n_planned > 0:
        raise InvalidInput(f"{n_planned} planned users: wanted more than 0")
    doubled = -2 * math.log(alpha)
    return math.sqrt((doubled + math.log(doubled + 1)) / n_planned)


def sequence_bounds(difference: Difference, alpha: float, n_planned: float = PLANNED_USERS) -> Bounds:
    """Return the confidence sequence's bounds at the present number of users."""
    reach = difference.standard_error * reach_in_errors(difference.n, alpha, n_planned)
    return difference.uplift - reach, difference.uplift + reach


def reach_in_errors(n: float, alpha: float, n_planned: float = PLANNED_USERS) -> float:
    """Return half the width of a sequence at n users, in standard errors: 1.96 is a fixed look's.

    >>> round(reach_in_errors(5000, 0.05), 2), round(reach_in_errors(500_000, 0.05), 2)
    (3.04, 3.56)
    """
    scaled = n * best_rho(n_planned, alpha) ** 2
    return math.sqrt(2 * (scaled + 1) / scaled * (math.log(scaled + 1) / 2 - math.log(alpha)))


def sequence_p_value(difference: Difference, alpha: float, n_planned: float = PLANNED_USERS) -> float:
    """Return the always-valid p-value: at most alpha exactly when the sequence does not hold 0.

    The mixture stays the one that is best for `alpha`; solved for the probability at which the boundary is
    reached.
    """
    scaled = difference.n * best_rho(n_planned, alpha) ** 2
    in_errors = difference.uplift / difference.standard_error
    squared = in_errors * in_errors  # infinite where it is too large, which a power is an error of
    return min(1.0, math.exp(math.log(scaled + 1) / 2 - squared * scaled / (2 * (scaled + 1))))


def share_p_value(n_yes: int, n_no: int) -> float:
    """Return the always-valid p-value of "either is as likely", by a uniform mixture of binomials.

    Exact at any number, by Ville's inequality (Robbins 1970, Statistical methods related to the law of the
    iterated logarithm, section 4).

    >>> share_p_value(0, 0), round(share_p_value(30, 10), 4)
    (1.0, 0.0316)
    """
    return min(1.0, math.exp(-_log_evidence(n_yes, n_no, 0.5)))


def share_bounds(n_yes: int, n_no: int, alpha: float) -> Bounds:
    """Return the confidence sequence of a share: all shares that `share_p_value`'s test does not refuse.

    >>> low, high = share_bounds(30, 10, 0.05)
    >>> round(low, 3), round(high, 3)
    (0.512, 0.914)
    """
    refuse_bad_alpha(alpha)
    limit = -math.log(alpha)
    middle = (n_yes + 1) / (n_yes + n_no + 2) if n_yes and n_no else float(n_yes > 0)

    def beyond(share: float) -> float:
        return _log_evidence(n_yes, n_no, share) - limit

    low = 0.0 if not n_yes else brentq(beyond, 1e-300, min(middle, 1 - 1e-12))
    high = 1.0 if not n_no else brentq(beyond, max(middle, 1e-12), 1 - 1e-16)
    return float(low), float(high)


def _log_evidence(n_yes: int, n_no: int, share: float) -> float:
    if n_yes < 0 or n_no < 0:
        raise InvalidInput(f"{n_yes} and {n_no}: wanted counts of at least 0")
    by_share = (n_yes * math.log(share) if n_yes else 0.0) + (n_no * math.log1p(-share) if n_no else 0.0)
    return float(betaln(n_yes + 1, n_no + 1)) - by_share
