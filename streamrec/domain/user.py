"""What is known of a user."""

from typing import Any

import msgspec


class UserState(msgspec.Struct, frozen=True):
    """The part of a user document that the trainer owns: absolute values, never increments.

    Attributes
    ----------
    generation
        The generation that `vector` belongs to; vectors of two generations are never compared.
    vector
        (D + 1,) float32 little-endian, as bytes; None while the model does not know the user.
    recent
        Item ids of the last positive events, newest last.
    disliked
        Item ids never to be offered again.
    n_events
        Events of this user that took effect.
    updated_at
        Unix seconds of the newest event.
    """

    user_id: str
    generation: str
    vector: bytes | None
    recent: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    n_events: int = 0
    updated_at: float = 0.0


class UserDocument(msgspec.Struct, frozen=True):
    """A whole user document: the trainer's state, if any, and the attributes that services set."""

    user_id: str
    state: UserState | None = None
    attributes: dict[str, Any] = {}
