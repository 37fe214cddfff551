"""Columns that describe who asks, the same for every candidate: each is declared once, here."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.stream_time import UNKNOWN_TIME
from streamrec.domain.popularity.recency import N_LAST

COLD, LIGHT, HEAVY = "cold", "light", "heavy"

SEGMENTS = (COLD, LIGHT, HEAVY)

_FIRST_LIGHT, _FIRST_HEAVY = 5, 50
"""Events of a user: a cold one has too few to rank by, a heavy one's own events say more than popularity."""


class Asker(NamedTuple):
    """User who asks, as a blend sees them.

    Attributes
    ----------
    n_events
        Of the user so far.
    is_new_only
        Whether only items are wanted that the user has not chosen yet.
    ages_s
        Seconds since each of the last items was chosen, newest first, as far as it is known.
    scale_s
        Of the stream, see `StreamTime`.
    """

    n_events: int = 0
    is_new_only: bool = True
    ages_s: tuple[float, ...] = ()
    scale_s: float = UNKNOWN_TIME.scale_s

    @property
    def segment(self) -> str:
        """Segment of the user, one of `SEGMENTS`.

        >>> [Asker(n_events).segment for n_events in (0, 5, 50)]
        ['cold', 'light', 'heavy']
        """
        if self.n_events < _FIRST_LIGHT:
            return COLD
        return LIGHT if self.n_events < _FIRST_HEAVY else HEAVY

    @property
    def pause_s(self) -> float:
        """Seconds since the newest choice; 0 where that is not known."""
        return self.ages_s[0] if self.ages_s else 0.0

    @property
    def n_in_sitting(self) -> int:
        """Number of the last items that were chosen in this sitting."""
        return sum(age_s <= self.scale_s for age_s in self.ages_s)


class Column(NamedTuple):
    """One number of who asks.

    Attributes
    ----------
    name
        In checkpoints, in the published blend, and in the documentation.
    of
        Returns it.
    words
        What it is.
    """

    name: str
    of: Callable[[Asker], float]
    words: str


COLUMNS = (
    Column(
        "n_events", lambda asker: math.log1p(asker.n_events) / 5, "logarithm of the user's number of events"
    ),
    Column("is_cold", lambda asker: asker.segment == COLD, "whether there are fewer than five"),
    Column("is_second", lambda asker: asker.n_events <= 1, "whether there is one at most"),
    Column("is_new_only", lambda asker: asker.is_new_only, "whether only new items are wanted"),
    Column(
        "pause",
        lambda asker: math.log1p(asker.pause_s) / 10,
        "logarithm of the seconds since the newest choice",
    ),
    Column(
        "is_burst",
        lambda asker: bool(asker.ages_s) and asker.pause_s < 1,
        "whether that was within a second",
    ),
    Column(
        "sitting",
        lambda asker: asker.n_in_sitting / N_LAST,
        f"share of the last {N_LAST} choices made in this sitting",
    ),
)
"""In the order of their weights; a blend that was learned of others starts anew."""

N_COLUMNS = len(COLUMNS)

NAMES = tuple(column.name for column in COLUMNS)


def described(asker: Asker) -> NDArray[np.float32]:
    """Return the (U,) columns of who asks."""
    return np.array([column.of(asker) for column in COLUMNS], np.float32)
