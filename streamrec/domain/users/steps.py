"""Steps of a user as a server took them: lists that were answered, and events."""

from collections.abc import Iterable

import msgspec

from streamrec.payload import decoded

MAX_STEPS = 50
"""Steps that are kept of a user: the last ones."""

MAX_LISTED = 10
"""Items that are kept of a list: the first ones."""

MAX_USERS = 2_000
"""Users of whom steps are kept: some 15 MB with ids of ten bytes, 260 MB where every id has 256."""

KEPT_S = 86_400.0

REFUSED_S = 60.0
"""No step of a user is taken for so long after they were forgotten: servers may hold some from before."""


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One step.

    Attributes
    ----------
    at
        Unix seconds, by the clock of the server that took it.
    item_ids
        Items of the list, the best first, or the one of the event.
    type
        Of the event; None: it is a list.
    is_choice
        Whether it is an event of positive weight.
    """

    at: float
    item_ids: tuple[str, ...]
    type: str | None = None
    is_choice: bool = False


encode_step = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Step).decode


def decode_steps(payloads: Iterable[bytes]) -> list[Step]:
    """Read steps, each of its own payload.

    Raises
    ------
    Damaged
        When one is none.
    """
    return [decoded(_decode, payload) for payload in payloads]
