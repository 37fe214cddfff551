"""One user, one item, one moment."""

import msgspec
from msgspec import UNSET, UnsetType

MAX_ID_BYTES = 256

MAX_REQUEST_ID = 128
"""Characters of the id of an answer."""

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
    request_id
        Of the answer in which the user saw the item; unset, and not written: nobody says.
    """

    user_id: str
    item_id: str
    timestamp: float
    type: str = DEFAULT_EVENT_TYPE
    value: float | None = None
    event_id: str | None = None
    request_id: str | UnsetType = UNSET
