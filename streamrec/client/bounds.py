"""Bounds of a buffer of events."""

from typing import Literal, NamedTuple

from streamrec.client.batches import MAX_BODY_BYTES
from streamrec.client.calls.events import MAX_EVENTS


class Bounds(NamedTuple):
    """Bounds of a buffer.

    Attributes
    ----------
    max_events, max_bytes
        Of one request.
    max_age_s
        How long an event waits for others.
    max_held
        Events that are held in all, those on their way included.
    when_full
        ``wait``: whoever puts an event in waits for room; ``raise``: they get `BufferFull`.
    """

    max_events: int = 500
    max_bytes: int = MAX_BODY_BYTES
    max_age_s: float = 0.5
    max_held: int = 10_000
    when_full: Literal["wait", "raise"] = "wait"


BOUNDS = Bounds()
"""Bounds by default."""


def checked(bounds: Bounds) -> Bounds:
    """Return bounds that can be kept.

    Raises
    ------
    ValueError
        When they can't.
    """
    if not 1 <= bounds.max_events <= MAX_EVENTS:
        raise ValueError(f"max_events is {bounds.max_events}; a request holds 1 to {MAX_EVENTS:,} events")
    if bounds.max_held < 1 or bounds.max_bytes < 1 or not bounds.max_age_s >= 0:
        raise ValueError(f"max_held and max_bytes are at least 1, max_age_s at least 0: {bounds}")
    return bounds
