"""Time of a stream and its scale, as rankings go by them."""

from typing import NamedTuple


class StreamTime(NamedTuple):
    """Time that a stream has come to.

    Attributes
    ----------
    now
        Unix seconds, by the clocks of those who send: in a replay, those of then.
    scale_s
        Seconds after which what somebody chose is of another sitting: of the order of the gaps between two
        choices of a user, which are seconds in some streams and days in others.
    """

    now: float = 0.0
    scale_s: float = 3600.0


UNKNOWN_TIME = StreamTime()
"""Of a stream that nothing is known of yet."""
