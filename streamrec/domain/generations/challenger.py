"""Publications of a challenger's trainer, for experiments that let it answer some of the users.

Items stand in the index by generation anyhow. Lists by a challenger also want its vectors of users, and the
blend that it learned beside them: weights of one model's scores say nothing of another's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streamrec.domain.ranking.published_blend import Blend, decode_blend
from streamrec.domain.users.aging import is_aging
from streamrec.domain.users.user import UserState, is_vector
from streamrec.errors import Damaged
from streamrec.payload import decoded


class ChallengerUser(msgspec.Struct, frozen=True):
    """Vector of a user by a challenger; all else of the user is in the champion's document.

    Attributes
    ----------
    vector, aging
        As in `UserState`: (D + 1,) float32, and float16 or None.
    """

    user_id: str
    generation: str
    vector: bytes
    aging: bytes | None = None


class ChallengerStatus(msgspec.Struct, frozen=True):
    """State of a challenger, published again and again while its trainer lives.

    Attributes
    ----------
    blend
        That it learned.
    has_users
        Whether the vectors of all its users are out: they are published while an experiment runs that wants
        them.
    published_at
        Unix seconds of its trainer; only that it changes counts.
    """

    generation: str
    blend: Blend
    has_users: bool
    published_at: float


class _Written(msgspec.Struct, frozen=True):
    generation: str
    blend: msgspec.Raw
    has_users: bool
    published_at: float


_decode = msgspec.json.Decoder(_Written).decode
encode_status = msgspec.json.Encoder().encode


def users_of(states: Sequence[UserState]) -> list[ChallengerUser]:
    """Return the vectors of users, of those who have one."""
    return [
        ChallengerUser(state.user_id, state.generation, state.vector, state.aging)
        for state in states
        if state.vector is not None
    ]


def user_in(fields: Mapping[str, Any]) -> ChallengerUser:
    """Read a user out of its fields, as they stand in a store.

    Raises
    ------
    Damaged
        When one of them can't be what it says.
    """
    user = decoded(_as_user, fields)
    if not is_vector(user.vector) or (user.aging is not None and not is_aging(user.aging, user.vector)):
        raise Damaged(f"user {user.user_id!r}: the challenger's vector holds no finite numbers")
    return user


def decode_status(payload: bytes | str) -> ChallengerStatus | None:
    """Read a status; None for one of another version, and for what is none."""
    try:
        written = decoded(_decode, payload)
    except Damaged:
        return None
    blend = decode_blend(bytes(written.blend))
    if blend is None:
        return None
    return ChallengerStatus(written.generation, blend, written.has_users, written.published_at)


def _as_user(fields: Mapping[str, Any]) -> ChallengerUser:
    return msgspec.convert(fields, ChallengerUser)
