"""State, profile and document of a user."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from streamrec.domain.events.stream_time import StreamTime
from streamrec.domain.events.times import MAX_TIMESTAMP_S
from streamrec.domain.users.aging import is_aging, vector_after
from streamrec.domain.users.less import Less
from streamrec.errors import Damaged
from streamrec.payload import decoded, decoded_each

MOST_DISLIKED = 20_000
"""Disliked items of a user at most, the newest: some 5 MB where each id has 256 bytes, and a document of
MongoDB holds 16 MB. A longer list, as the first version wrote, is cut when it is read."""

MOST_RECENT = 10_000
"""Newest items of a user at most, in the trainer's memory and in the document."""

MAX_ATTRIBUTES_BYTES = 1_000_000
"""A user's attributes as JSON at most: they share the document with what the trainer writes."""


class LabelUse(msgspec.Struct, frozen=True, array_like=True):
    """Events of a user in one category, or with one tag.

    Attributes
    ----------
    name
        The category, or the tag.
    n_events
        Positive events with items of it: at least so many, see `streamrec.domain.users.labels`.
    mean_value
        Mean of their values (a price, seconds viewed); None when none had one.
    """

    name: str
    n_events: int
    mean_value: float | None = None


class Profile(msgspec.Struct, frozen=True, array_like=True):
    """Categories and tags of the items that a user chose, a bounded number of each, most frequent first."""

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
    recent_at
        When the newest of `recent` were chosen, newest last, in whole Unix seconds; empty in a document that
        was written before these were kept.
    aging
        (D + 1,) float16 little-endian, as bytes: how the vector changes with the time since the newest
        choice, see `streamrec.domain.users.aging`; None where it stays as it is.
    less
        Items that less like is wanted, oldest first.
    """

    user_id: str
    generation: str
    vector: bytes | None
    recent: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    n_events: int = 0
    updated_at: float = 0.0
    profile: Profile = NO_PROFILE
    recent_at: tuple[int, ...] = ()
    aging: bytes | None = None
    less: tuple[Less, ...] = ()

    def vector_at(self, time: StreamTime) -> bytes | None:
        """Return the vector as it is at a time of the stream."""
        if self.vector is None or self.aging is None or not self.recent_at:
            return self.vector
        return vector_after(self.vector, self.aging, time.now - self.recent_at[-1], time.scale_s)


_STORED = frozenset(UserState.__struct_fields__) - {"profile", "recent_at", "aging", "less"}


_decode_attributes = msgspec.json.Decoder(dict[str, Any]).decode


class UserDocument(msgspec.Struct, frozen=True):
    """A whole user document: the trainer's state, if any, and the attributes that services set."""

    user_id: str
    state: UserState | None = None
    attributes: dict[str, Any] = {}


def state_of(fields: Mapping[str, Any]) -> UserState:
    """Return a state out of its fields, as they stand in a store; lists that are too long lose the oldest.

    Raises
    ------
    Damaged
        When one of them is missing, or can't be what it says.
    """
    # The defaults are for new users: in a stored one, a list that is gone is not one of nothing.
    if missing := _STORED - fields.keys():
        raise Damaged(f"without {', '.join(sorted(missing))}")
    state = decoded(_as_state, fields)
    vector = state.vector
    if vector is not None and not is_vector(vector):
        raise Damaged("the vector holds no finite numbers")
    if state.aging is not None and (vector is None or not is_aging(state.aging, vector)):
        raise Damaged("how the vector ages is told by other numbers than it has")
    if state.n_events < 0 or not 0 <= state.updated_at < MAX_TIMESTAMP_S:
        raise Damaged(f"{state.n_events} events up to {state.updated_at}")
    disliked, recent, recent_at = state.disliked, state.recent, state.recent_at
    if len(disliked) > MOST_DISLIKED or len(recent) > MOST_RECENT or len(recent_at) > len(recent):
        recent = recent[-MOST_RECENT:]
        n_times = min(len(recent_at), len(recent))
        return msgspec.structs.replace(
            state,
            disliked=disliked[-MOST_DISLIKED:],
            recent=recent,
            recent_at=recent_at[len(recent_at) - n_times :],
        )
    return state


def attributes_by_user(written: Iterable[tuple[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return users' attributes out of ids and JSON texts; users without any are left out.

    Raises
    ------
    Damaged
        When some can't be read; its `rest` holds the others.
    """
    return decoded_each(_decode_attributes, written, "attributes of user")


def _as_state(fields: Mapping[str, Any]) -> UserState:
    return msgspec.convert(fields, UserState)


def is_vector(vector: bytes) -> bool:
    """Return whether bytes are float32 numbers, all finite."""
    return bool(vector) and len(vector) % 4 == 0 and bool(np.isfinite(np.frombuffer(vector, "<f4")).all())


def document_of(
    user_id: str, read_state: Callable[[], UserState | None], read_attributes: Callable[[], dict[str, Any]]
) -> UserDocument:
    """Return a document out of its two parts.

    Raises
    ------
    Damaged
        When one of them can't be read; its `rest` is a document with the other.
    """
    complaints: list[str] = []
    state, attributes = None, {}
    try:
        state = read_state()
    except Damaged as error:
        complaints.append(str(error))
    try:
        attributes = read_attributes()
    except Damaged as error:
        complaints.append(f"attributes: {error}")
    document = UserDocument(user_id, state, attributes)
    if complaints:
        raise Damaged(f"user {user_id!r}: {'; '.join(complaints)}", rest=document)
    return document
