"""Markers among the interactions: records that are no events, and say where a user was erased."""

from typing import Literal

import msgspec

from streamrec.errors import Damaged
from streamrec.payload import decoded


class ErasureMarker(msgspec.Struct, frozen=True):
    """Stands among the interactions, in each partition, where the user that is its key was erased.

    It is no event, and a reader that knows only events rejects it. The id is not part of the value: what is
    rejected is kept, without its key.

    Attributes
    ----------
    record
        Tells it from an event.
    at
        Unix seconds.
    origin
        Who wrote it, for example ``"recommender"``.
    """

    record: Literal["user_erased"]
    at: float
    origin: str


_MARKER_HEAD = b'{"record":"user_erased",'

_marker_decoder = msgspec.json.Decoder(ErasureMarker)


def encode_marker(marker: ErasureMarker) -> bytes:
    """Write a marker of the interactions topic."""
    return msgspec.json.encode(marker)


def is_marker(payload: bytes | None) -> bool:
    """Return whether a record of the interactions that is no event is a marker of an erasure.

    >>> is_marker(encode_marker(ErasureMarker("user_erased", 0.0, "recommender"))), is_marker(b"{}")
    (True, False)
    """
    # By its first bytes, as `encode_marker` writes them: each record of the stream is looked at.
    if not payload or not payload.startswith(_MARKER_HEAD):
        return False
    try:
        decoded(_marker_decoder.decode, payload)
    except Damaged:
        return False
    return True
