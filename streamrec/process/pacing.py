"""Pause after work that may take a share of the time only."""

LONGEST_PAUSE_S = 10.0
"""Work that waited for a part that was away took as long as the outage: without a bound, what is published
after an hour of it would be followed by a pause of many hours."""


def pause_after(took_s: float, share: float) -> float:
    """Return seconds from the beginning of work to that of the next, so that it takes `share` of the time.

    >>> pause_after(0.1, 0.25), pause_after(3600.0, 0.25)
    (0.4, 10.0)
    """
    return min(took_s / share, LONGEST_PAUSE_S)
