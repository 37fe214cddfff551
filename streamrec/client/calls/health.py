"""Requests about the recommender itself."""

from collections.abc import Collection
from typing import Literal

from streamrec.client.answers.exposures import JourneyAnswer
from streamrec.client.answers.status import Health, SeriesAnswer, StatusAnswer
from streamrec.client.call import Call, question

PointLength = Literal["10s", "1m"]


def status() -> Call[StatusAnswer]:
    """Ask how the trainer and every part are: `GET /v1/status`."""
    return question("/v1/status", StatusAnswer)


def status_series(
    *, resolution: PointLength | None = None, since: float | None = None, name: Collection[str] | None = None
) -> Call[SeriesAnswer]:
    """Ask what the trainer's figures were within the last day: `GET /v1/status/series`.

    Parameters
    ----------
    since
        Only points that begin after this, in Unix seconds.
    name
        Figures that are wanted; all there are by default.
    """
    return question("/v1/status/series", SeriesAnswer, resolution=resolution, since=since, name=name)


def exposures() -> Call[JourneyAnswer]:
    """Ask what became of items that were shown, and what the last lists were like: `GET /v1/exposures`."""
    return question("/v1/exposures", JourneyAnswer)


def liveness() -> Call[Health]:
    """Ask whether the process runs: `GET /health/live`."""
    return question("/health/live", Health)


def readiness() -> Call[Health]:
    """Ask whether the server can answer: `GET /health/ready`; it says so also where it can't (503)."""
    return Call(method="GET", path="/health/ready", answer=Health, answered_too=(503,))
