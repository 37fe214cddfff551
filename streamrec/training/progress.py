"""How far the trainer is behind its stream."""

from collections.abc import Callable, Sequence
from functools import partial

from streamrec.errors import Unavailable
from streamrec.ports import EventSource, Offsets, Record, n_between


class Progress:
    """Where the loop stands beside where the logs end.

    Parameters
    ----------
    now
        Unix seconds: before the first record the stream counts as read up to here.
    """

    def __init__(self, source: EventSource, now: float) -> None:
        self._source = source
        self._last_appended_at = now

    def note(self, records: Sequence[Record]) -> None:
        """Remember when the newest of these was appended."""
        self._last_appended_at = records[-1].timestamp

    def gauges(self, now: float) -> dict[str, float]:
        """Return the lag in events and in seconds; nothing while the log does not answer."""
        try:
            lag_events = n_between(self._source.next_offsets(), self._source.end_offsets())
        except Unavailable:
            return {}
        return {
            "trainer.lag_events": float(lag_events),
            # How old the stream's end is for us; without a lag that is now, however long ago it was written.
            "trainer.lag_s": max(0.0, now - self._last_appended_at) if lag_events else 0.0,
        }

    def what_is_left(self) -> Callable[[], int]:
        """Return a counter of the records that the logs hold by now and that were not read."""
        try:
            end = self._source.end_offsets()
        except Unavailable:
            end = self._source.next_offsets()  # what can't be read now is a restart's to read
        return partial(self._n_before, end)

    def _n_before(self, end: Offsets) -> int:
        return n_between(self._source.next_offsets(), end)
