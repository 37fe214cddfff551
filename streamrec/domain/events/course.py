"""Course of time that the users of a stream agree on; `StreamClock` follows one of a few."""

from collections.abc import Iterable
from typing import Final

N_EVENTS_OF_LONG_GAP: Final = 512
"""Events without any user at the time before: more than a bulk of live events within a replay has."""

_N_EVENTS_SIDE_BY_SIDE: Final = 16 * N_EVENTS_OF_LONG_GAP
"""Partitions that are read in turns have all passed a gap by then: a user who has not has another clock."""

EVENTS_PER_USER: Final = 64
"""A user without an event among so many, times the users consulted, is no longer consulted."""


class Course:
    """Course of time that users agreed on, live or of a replay.

    Attributes
    ----------
    since, at
        Unix seconds: where it began, and how far it has come.
    offset
        Stream time is this much more than its timestamps.
    begun_at
        Number of the event at which it began.
    n_users
        Most users that were there at once.
    owed
        Of a long gap before it: seconds not counted yet, the number of the event after it, and where the
        course before it began.
    """

    def __init__(self, since: float, offset: float, begun_at: int) -> None:
        self.since = self.at = since
        self.offset = offset
        self.begun_at = begun_at
        self.n_users = 0
        self.owed: list[float] | None = None

    def is_known(self, n_events: int) -> bool:
        """Return whether it was more than a wrong clock or two."""
        return self.n_users > 2 or n_events - self.begun_at > EVENTS_PER_USER

    def postpone(self, n_events: int) -> None:
        """Note that a user is still, or again, at the time before it."""
        if self.owed is not None:
            gap_s, _, since = self.owed
            is_another_clock = n_events - self.begun_at > _N_EVENTS_SIDE_BY_SIDE
            self.owed = None if is_another_clock else [gap_s, n_events, since]

    def settle(self, said: Iterable[tuple[float, int]], lateness_s: float, n_events: int) -> None:
        """Count a long gap once nobody is left behind, and not at all if somebody is for long.

        Parameters
        ----------
        said
            Last timestamp of each user, and the number of its event.
        """
        if self.owed is None:
            return
        gap_s, number, since = self.owed
        first, last = since - lateness_s, self.since - lateness_s
        if any(n > number and first <= timestamp <= last for timestamp, n in said):
            self.postpone(n_events)
        elif n_events - number >= N_EVENTS_OF_LONG_GAP:
            self.offset += gap_s
            self.owed = None
