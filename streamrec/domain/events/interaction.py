"""One user, one item, one moment."""

import msgspec

MAX_ID_BYTES = 256

DEFAULT_EVENT_TYPE = "interaction"


class Interaction(msgspec.Struct, frozen=True, gc=False):
    """Action of a user on an item.

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
