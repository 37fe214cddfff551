"""What is known of a user."""

from typing import Any, NamedTuple

import msgspec


class LabelUse(msgspec.Struct, frozen=True, array_like=True):
    """What a user does in one category, or with one tag.

    Attributes
    ----------
    name
        The category, or the tag.
    n_events
        Positive events with items of it: at least so many, see `streamrec.domain.user_labels`.
    mean_value
        Mean of their values (a price, seconds viewed); None when none had one.
    """

    name: str
    n_events: int
    mean_value: float | None = None


class Profile(msgspec.Struct, frozen=True, array_like=True):
    """What a user does, most first: a bounded number of categories and tags of the items chosen."""

    categories: tuple[LabelUse, ...] = ()
    tags: tuple[LabelUse, ...] = ()


NO_PROFILE = Profile()


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
    profile
        Of the items chosen; empty in a document that was written before there were profiles.
    """

    user_id: str
    generation: str
    vector: bytes | None
    recent: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    n_events: int = 0
    updated_at: float = 0.0
    profile: Profile = NO_PROFILE


class UserDocument(msgspec.Struct, frozen=True):
    """A whole user document: the trainer's state, if any, and the attributes that services set."""

    user_id: str
    state: UserState | None = None
    attributes: dict[str, Any] = {}


class RankedUser(NamedTuple):
    """A user in a ranking; higher scores are nearer."""

    user_id: str
    score: float
