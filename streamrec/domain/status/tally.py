"""Counts of items by the hour, and a share of them with its interval."""

import math
from typing import NamedTuple

HOUR_S = 3600

N_HOURS = 24
"""Hours that are kept, the current one included."""

_Z = 1.959963984540054
"""Of a normal distribution, 95 % lie within so many standard deviations."""


class Share(NamedTuple):
    """A share, and the bounds between which it lies in 95 of 100 cases."""

    share: float
    low: float
    high: float


def share_of(n_hits: int, n: int) -> Share | None:
    """Return the share of hits with Wilson's interval (Wilson 1927); None: there is nothing that it is of.

    >>> share_of(1, 10)
    Share(share=0.1, low=0.0179, high=0.4042)
    >>> share_of(0, 100), share_of(0, 0)
    (Share(share=0.0, low=0.0, high=0.037), None)
    """
    if n < 1:
        return None
    n_hits = min(n_hits, n)
    share, of_z = n_hits / n, _Z * _Z / n
    middle = share + of_z / 2
    half = _Z * math.sqrt((share * (1 - share) + of_z / 4) / n)
    low, high = (middle - half) / (1 + of_z), (middle + half) / (1 + of_z)
    return Share(round(share, 4), abs(round(max(0.0, low), 4)), round(min(1.0, high), 4))


def hours_until(now: float) -> range:
    """Return the hours since 1970 that are kept at a moment in Unix seconds, the oldest first."""
    last = int(now // HOUR_S)
    return range(last - N_HOURS + 1, last + 1)
