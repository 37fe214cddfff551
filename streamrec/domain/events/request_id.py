"""Id of the answer that an event comes from, as senders write it."""

from msgspec import UNSET, UnsetType

from streamrec.domain.events.values import NULL_MARKERS
from streamrec.errors import InvalidEvent


def request_id_of(given: str | None) -> str | UnsetType:
    """Return the id; unset where a sender writes that there is none.

    Raises
    ------
    InvalidEvent
        When it is none.

    >>> request_id_of("r1"), request_id_of("NULL"), request_id_of(None)
    ('r1', UNSET, UNSET)
    """
    if given is None or given in NULL_MARKERS:
        return UNSET
    try:
        given.encode()
    except UnicodeEncodeError:
        raise InvalidEvent("bad_id", "request_id is not Unicode text") from None
    return given
