"""Schemas of requests and answers at `/v1/items/{item_id}/history`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from streamrec.domain.bars.bar import MAX_WINDOW, Bar

Resolution = Literal["1m", "5m", "15m", "1h"]

BAR_MINUTES: dict[Resolution, int] = {"1m": 1, "5m": 5, "15m": 15, "1h": 60}


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/items/{item_id}/history`."""

    minutes: Annotated[
        int, Meta(ge=1, le=MAX_WINDOW, description="How far back from the newest event of the stream.")
    ] = 5
    resolution: Annotated[Resolution, Meta(description="Length of a bar.")] = "1m"
    empty: Annotated[
        Literal["absent", "carry"],
        Meta(description="A bar without an event is left out, or carries the last close on, with `count` 0."),
    ] = "absent"


class HistoryAnswer(msgspec.Struct, frozen=True):
    """An item's bars, oldest first. `now`: the newest event time of the stream; null before the first."""

    item_id: str
    resolution: Resolution
    now: float | None
    bars: list[Bar]
