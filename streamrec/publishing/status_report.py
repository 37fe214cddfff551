"""The trainer's report of itself, and the points of its figures, as they are published."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streamrec.domain.status.point import StatusPoint
from streamrec.domain.status.report import RejectedReason, TrainerReport
from streamrec.domain.status.sampling import StatusSampling
from streamrec.process.decoding import InvalidRecord

_MOST_WAITING = 400
"""Points that wait for a cache that is away: an hour of them; then the oldest are given up."""

_LONGEST_MESSAGE = 300


class Reported(NamedTuple):
    """One publication: the report, and the points that are new, or that the cache did not take before."""

    report: TrainerReport
    points: Sequence[StatusPoint]


class StatusReporting:
    """Gathers what the trainer reports of itself.

    Parameters
    ----------
    now
        Unix seconds.
    """

    def __init__(self, generation: str, now: float) -> None:
        self._generation, self._started_at = generation, now
        self._rejected: dict[str, RejectedReason] = {}
        self._sampling = StatusSampling()
        self._waiting: deque[StatusPoint] = deque(maxlen=_MOST_WAITING)
        self._handed: list[StatusPoint] = []
        self._n_failures = 0

    def note_rejected(self, invalid: Sequence[InvalidRecord], now: float) -> None:
        """Count records by their reasons; of one whose user was erased since, nothing else is told."""
        for record in invalid:
            before = self._rejected.get(record.error.reason)
            message = "" if record.is_void else str(record.error)[:_LONGEST_MESSAGE]
            n = 1 if before is None else before.n + 1
            self._rejected[record.error.reason] = RejectedReason(record.error.reason, n, message, now)

    def forget_messages(self) -> None:
        """Drop what may quote records: one of them may be of a user who is erased now."""
        self._rejected = {
            reason: RejectedReason(reason, of_reason.n, "", of_reason.last_at)
            for reason, of_reason in self._rejected.items()
        }

    def note(self, numbers: Mapping[str, float], now: float) -> None:
        """Take in figures of the moment (Unix seconds)."""
        self._waiting.extend(self._sampling.note(now, numbers))

    def take(self, n_failures: int, now: float) -> Reported:
        """Return what is to be published.

        Parameters
        ----------
        n_failures
            How often in all the cache did not take a status: where it grew, the points handed over last
            are handed over again.
        """
        if n_failures != self._n_failures:
            self._waiting = deque([*self._handed, *self._waiting], _MOST_WAITING)
        self._n_failures = n_failures
        self._handed = list(self._waiting)
        self._waiting.clear()
        rejected = sorted(self._rejected.values(), key=lambda of_reason: -of_reason.n)
        return Reported(TrainerReport(now, self._generation, self._started_at, rejected), self._handed)
