"""Options of a launch, and what they plan: how much is learned, and whether the rest is streamed."""

from typing import Annotated, NamedTuple

import typer

from streamrec.cli.files.options import Chosen
from streamrec.cli.replay import DEFAULT_RATE
from streamrec.datasets.named import ML_100K
from streamrec.errors import InvalidInput

_HELD_OUT_OF_DEMO = 0.5

HoldOut = Annotated[
    float | None,
    typer.Option(min=0, max=0.99, help="Share of the events, the newest, not to learn (default: none)."),
]
Replay = Annotated[bool, typer.Option("--replay", help="Stream what --hold-out keeps back.")]
Rate = Annotated[
    float | None, typer.Option(min=0.001, help=f"Events a second of --replay (default {DEFAULT_RATE:g}).")
]


class Plan(NamedTuple):
    """Plan for the events of a launch.

    Attributes
    ----------
    until_fraction
        The first part, by time, that is learned before anything is served.
    rate
        Events a second at which the rest is streamed; None: it is not.
    """

    until_fraction: float
    rate: float | None


def plan_of(
    chosen: Chosen, hold_out: float | None, rate: float | None, *, is_replayed: bool
) -> tuple[Chosen, Plan]:
    """Return what is learned, and how much of it; without a file it is the demonstration.

    Raises
    ------
    InvalidInput
        When options contradict each other.
    """
    if chosen.files is None and chosen.dataset is None:
        chosen = chosen._replace(dataset=ML_100K)
    if chosen.dataset is not None and hold_out is None:
        hold_out, is_replayed = _HELD_OUT_OF_DEMO, True
    if is_replayed and not hold_out:
        raise InvalidInput("--replay streams what --hold-out keeps back: give both, such as --hold-out .5")
    if rate is not None and not is_replayed:
        raise InvalidInput("--rate is the pace of --replay: give --hold-out .5 --replay as well")
    return chosen, Plan(1 - (hold_out or 0.0), (rate or DEFAULT_RATE) if is_replayed else None)
