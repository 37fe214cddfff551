"""Record of one list that was shown: who saw which items, and in which experiments."""

from typing import Annotated, Any

import msgspec

from streamrec.domain.events.interaction import MAX_ID_BYTES, MAX_REQUEST_ID
from streamrec.domain.events.values import check_id, check_moment
from streamrec.errors import Damaged, InvalidEvent
from streamrec.payload import decoded

MAX_EXPOSURE_BYTES = 1_000_000
"""A list of 1,000 items whose ids have 256 bytes takes some 300 KB."""

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_BYTES)]
_Probability = Annotated[float, msgspec.Meta(gt=0, le=1)]
_Version = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Exposure(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A list that was answered to a user.

    Attributes
    ----------
    request_id
        Names the answer; an event that brings it is attributed to this exposure.
    at
        Unix seconds, by the recommender's clock.
    items
        Ids in the order shown.
    sources
        The source of each item.
    route
        ``"recommendations"``.
    generation
        Of the model that scored; None: only popularity did.
    experiments
        Id, version and variant of each experiment that the user is in.
    teams
        Of a list that interleaves: the position of the variant, in the definition, that each item is of.
    interleaved
        Which experiment the teams are of.
    propensities
        Of each item the probability with which the policy that made the list shows this item at this
        position, given the scores of the moment; None: the list was made without chance. Where the chance of
        an item's position is not known in closed form, it is that of its group: see the reference.
    v
        Version of the record.
    """

    request_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_REQUEST_ID)]
    user_id: _Id
    at: float
    items: list[_Id]
    sources: list[str] = []
    route: str = "recommendations"
    generation: str | None = None
    experiments: list[tuple[str, _Version, str]] = []
    teams: list[Annotated[int, msgspec.Meta(ge=0)]] = []
    interleaved: str | None = None
    propensities: list[_Probability] | None = None
    v: Annotated[int, msgspec.Meta(ge=1)] = 1


_decode: Any = msgspec.json.Decoder(Exposure).decode
encode_exposure = msgspec.json.Encoder().encode


def decode_exposure(payload: bytes | None) -> Exposure:
    """Read a record of the topic `impressions`; fields that this version does not know are passed over.

    Raises
    ------
    InvalidEvent
        When it is none.

    >>> shown = Exposure("r1", "u1", 1.7e9, ["a", "b"], experiments=[("x", 1, "control")])
    >>> decode_exposure(encode_exposure(shown)) == shown
    True
    """
    if not payload:
        raise InvalidEvent("empty", "the record is empty")
    if len(payload) > MAX_EXPOSURE_BYTES:
        raise InvalidEvent("too_large", f"{len(payload)} bytes; at most {MAX_EXPOSURE_BYTES} are read")
    try:
        exposure: Exposure = decoded(_decode, payload)
    except Damaged as error:
        raise InvalidEvent("bad_exposure", str(error)) from error
    check_moment("at", exposure.at, "bad_exposure")
    check_id("user_id", exposure.user_id)
    n_items = len(exposure.items)
    for name in ("sources", "teams", "propensities"):
        n = len(getattr(exposure, name) or ())
        if n not in (0, n_items):
            raise InvalidEvent("bad_exposure", f"{n_items} items, and {n} {name}")
    if exposure.teams and exposure.interleaved is None:
        raise InvalidEvent("bad_exposure", "teams without the experiment that they are of")
    return exposure
