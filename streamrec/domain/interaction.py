"""One user, one item, one moment."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

MAX_ID_BYTES = 256

DEFAULT_EVENT_TYPE = "interaction"


class Interaction(msgspec.Struct, frozen=True, gc=False):
    """What a user did to an item.

    Attributes
    ----------
    user_id, item_id
        External ids, 1 to 256 bytes of UTF-8.
    timestamp
        Unix time in seconds, by the clock of whoever saw it happen.
    type
        Kind of event; `EventWeights` maps it to a weight.
    value
        Price, seconds viewed, rating ...; its meaning belongs to the type.
    event_id
        The sender's name for this event; a repeat within the dedupe window has no effect.
    """

    user_id: str
    item_id: str
    timestamp: float
    type: str = DEFAULT_EVENT_TYPE
    value: float | None = None
    event_id: str | None = None


class EventWeights(NamedTuple):
    """How much each type of event teaches.

    Positive: learned from, and seen. Zero: recorded only (an impression is not a choice).
    Negative: a dislike, after which the item is never offered to that user again.

    >>> weights = EventWeights({"view": 0.5, "dislike": -1.0}, default=1.0)
    >>> weights.of("view"), weights.of("purchase"), weights.of("dislike")
    (0.5, 1.0, -1.0)
    """

    by_type: Mapping[str, float]
    default: float = 1.0

    def of(self, event_type: str) -> float:
        """Return the weight of an event type."""
        return self.by_type.get(event_type, self.default)
