"""Shares of yes among yes and no, for one look: interval, and a test of "either is as likely"."""

import math

from scipy.special import bdtr, ndtri

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.checks import refuse_bad_alpha
from streamrec.experiments.statistics.means import Bounds


def wilson(n_yes: int, n: int, alpha: float = 0.05) -> Bounds:
    """Return the interval of a share (Wilson 1927, Probable inference); of nobody [0, 1].

    >>> low, high = wilson(3, 200)
    >>> round(low, 4), round(high, 4)
    (0.0051, 0.0432)
    """
    refuse_bad_alpha(alpha)
    if not 0 <= n_yes <= n:
        raise InvalidInput(f"{n_yes} of {n}: wanted a count from 0 to that of all")
    if not n:
        return 0.0, 1.0
    squared = float(ndtri(1 - alpha / 2)) ** 2
    middle = n_yes + squared / 2
    reach = math.sqrt(squared * (n_yes * (n - n_yes) / n + squared / 4))
    low, high = (middle - reach) / (n + squared), (middle + reach) / (n + squared)
    return (max(low, 0.0) if n_yes else 0.0), (min(high, 1.0) if n_yes < n else 1.0)


def sign_test(n_more: int, n_less: int) -> float:
    """Return the exact two-sided p-value of more and less being as likely; ties are left out before.

    >>> round(sign_test(8, 2), 6), sign_test(0, 0)
    (0.109375, 1.0)
    """
    if n_more < 0 or n_less < 0:
        raise InvalidInput(f"{n_more} and {n_less}: wanted counts of at least 0")
    return min(1.0, 2 * float(bdtr(min(n_more, n_less), n_more + n_less, 0.5)))
