"""State of the attribution as a checkpoint holds it, and the bounds of memory."""

from typing import NamedTuple

import msgspec

from streamrec.attribution.state.era_tally import TallyState
from streamrec.attribution.state.settling import Entry
from streamrec.domain.experiments.attribution import Showing
from streamrec.domain.experiments.definition import Experiment


class Limits(NamedTuple):
    """Bounds of memory.

    Attributes
    ----------
    settle_s
        Seconds that records wait for those that were written before them.
    waiting, lists, rates, users
        Records that wait, lists that may still be answered, users whose rate is known, and users of an
        experiment whose outcome is open, at most.
    request_ids
        Lists remembered, to drop repeats by.
    """

    settle_s: float = 10.0
    waiting: int = 500_000
    lists: int = 200_000
    rates: int = 200_000
    users: int = 500_000
    request_ids: int = 100_000


class SavedState(msgspec.Struct):
    """The whole state, for a checkpoint."""

    settled_to: float = 0.0
    waiting: list[Entry] = []
    lists: list[Showing] = []
    rates: list[tuple[str, float, float]] = []
    request_ids: list[str] = []
    tallies: dict[str, TallyState] = {}
    definitions: dict[str, Experiment] = {}
