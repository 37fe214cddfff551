"""Progress along a stream: lag and staleness."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from streamrec.errors import Unavailable
from streamrec.ports import EventSource, Offsets, Record, n_between

_MOST_LOOKS = 64
"""At a partition's end, remembered while what they saw is unread; of more every second one is forgotten."""


class Progress:
    """Progress of the loop relative to the ends of the logs.

    Parameters
    ----------
    now
        Unix seconds: before the first record the stream counts as read up to here.
    """

    def __init__(self, source: EventSource, now: float) -> None:
        self._source = source
        self._started_at = now
        self._partitions: dict[tuple[str, int], _PartitionLag] = {}

    def note(self, records: Sequence[Record]) -> None:
        """Remember when the newest of these of each partition was appended."""
        last_of_each = {(record.topic, record.partition): record.timestamp for record in records}
        for partition, appended_at in last_of_each.items():
            self._lag_of(*partition).appended_at = appended_at

    def gauges(self, now: float) -> dict[str, float]:
        """Return the lag in events and in seconds; nothing while the log does not answer.

        In seconds it is that of the partition that is furthest behind: how long ago the oldest record that
        was not read yet was appended. A partition that was read to its end has none, however long it rests.
        """
        try:
            offsets, ends = self._source.next_offsets(), self._source.end_offsets()
        except Unavailable:
            return {}
        lags = [
            self._lag_of(topic, number).seconds(offsets.get(topic, {}).get(number, 0), end, now)
            for topic, partitions in ends.items()
            for number, end in partitions.items()
        ]
        return {
            "lag_events": float(n_between(offsets, ends)),
            "lag_s": max(lags, default=0.0),
        }

    def _lag_of(self, topic: str, number: int) -> "_PartitionLag":
        return self._partitions.setdefault((topic, number), _PartitionLag(self._started_at))

    def what_is_left(self) -> Callable[[], int]:
        """Return a counter of the records that the logs hold by now and that were not read."""
        try:
            end = self._source.end_offsets()
        except Unavailable:
            end = self._source.next_offsets()  # what can't be read now is a restart's to read
        return partial(self._n_before, end)

    def _n_before(self, end: Offsets) -> int:
        return n_between(self._source.next_offsets(), end)


class _PartitionLag:
    """Append time of the oldest unread record of a partition, as well as can be known.

    That is about when the last one read was. A log may say something else of it (Kafka's records have their
    producer's time, which may be that of an old event), so what was seen of the partition's end bounds it.

    Attributes
    ----------
    appended_at
        Unix seconds, of the last record read.
    """

    def __init__(self, now: float) -> None:
        self.appended_at = now
        self._looks: list[tuple[float, int]] = []

    def seconds(self, next_offset: int, end: int, now: float) -> float:
        """Return for how long the record at `next_offset` has stood there; 0 when there is none."""
        looks = self._looks
        looks.append((now, end))
        # Of those that were before it was appended only the last one says something.
        n_before = sum(seen_end <= next_offset for _, seen_end in looks)
        del looks[: n_before - 1 if n_before else 0]
        if end <= next_offset:
            return 0.0
        not_before = looks[0][0] if n_before else -math.inf
        not_after = looks[1][0] if n_before else looks[0][0]
        if len(looks) > _MOST_LOOKS:
            del looks[2:-1:2]
        return max(0.0, now - min(max(self.appended_at, not_before), not_after))
