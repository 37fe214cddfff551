"""Schemas of requests and answers at `/v1/status`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from streamrec.domain.status.point import RINGS
from streamrec.serving.status_reader import TrainerStatus

Resolution = Literal["10s", "1m"]

_SPANS = "; ".join(
    f"`{name}`: points of {ring.interval_s} s, of the last {ring.interval_s * ring.n_slots // 3600} h"
    for name, ring in RINGS.items()
)


class StatusAnswer(msgspec.Struct, frozen=True):
    """State of the whole, as this process sees it.

    `status` and `parts` are those of `/health/ready`; `trainer` is null where none ever published, or the
    cache does not answer; `may_change`: whether this caller's key may change items and erase users. `now`:
    Unix seconds.
    """

    now: float
    status: str
    parts: dict[str, str]
    may_change: bool
    trainer: TrainerStatus | None


class SeriesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/status/series`."""

    resolution: Annotated[Resolution, Meta(description=f"{_SPANS}.")] = "10s"
    since: Annotated[
        float, Meta(ge=0, le=1e11, description="Unix seconds: only points that begin after this.")
    ] = 0.0
    name: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=100)]],
        Meta(max_length=50, description="Figures that are wanted. Default: all there are."),
    ] = []
