"""Events and lists, two topics of one log that are read beside each other, neither far ahead of the other.

A source reads its topics as they come: after a pause one would be read to its end before the other begins,
and all of it would have to wait in memory. So each has a source of its own here, and one that is ahead rests.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

from streamrec.errors import Unavailable
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, EventSource, Offsets, Record

_MOST_AHEAD_S = 10.0
"""By append times, while the other is not read to its end."""

_KEPT: Final = 3.0
"""Of `settle_s`: the log's clock goes on so long after it was told last, whatever clocks are behind."""

TOPICS = (IMPRESSIONS, INTERACTIONS)
"""Topics whose records settle by their times."""


class TwoLogs:
    """One source made of two.

    Parameters
    ----------
    events
        Of commands and interactions.
    lists
        Of impressions.
    clock
        Unix seconds: no record was appended later.
    stopwatch
        Seconds that no setting of a clock moves.
    settle_s
        Seconds that the logs have to be read past a record's time. A record whose time is further behind is
        of another clock, as where one of the machines that append is an hour behind. What the others wrote
        has to settle nevertheless, so that this clock is followed only once no other one tells the time.
    """

    def __init__(
        self,
        events: EventSource,
        lists: EventSource,
        clock: Callable[[], float],
        stopwatch: Callable[[], float],
        settle_s: float,
    ) -> None:
        self._events, self._lists = events, lists
        self._clock, self._stopwatch = clock, stopwatch
        self._settle_s = settle_s
        self._begin()
        self._is_at_end = {COMMANDS: True, INTERACTIONS: True, IMPRESSIONS: True}

    def _begin(self) -> None:
        self._appended_at: dict[tuple[str, int], float] = {}
        # The time of the record that was read last; the log's time, and when it was told. At first both are
        # the clock's, as nothing else tells the time, and the first record tells it anew.
        self._last_at = self._clock()
        self._told = self._last_at, self._stopwatch()
        self._kept_until = -math.inf

    def seek(self, next_offsets: Offsets) -> None:
        """Go on from these offsets, in both.

        Raises
        ------
        LogTruncated
            When one of them ends before that, or no longer holds it.
        """
        self._events.seek(next_offsets)
        self._lists.seek(next_offsets)
        self._begin()

    @property
    def last_at(self) -> float:
        """Time at which the record that was read last was appended; Unix seconds, by the log's clock."""
        return self._last_at

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return up to `max_records` of both, of the one that is behind first."""
        of_events, of_lists = self._read_of(INTERACTIONS), self._read_of(IMPRESSIONS)
        behind, other, topic, lead_s = self._lists, self._events, IMPRESSIONS, of_events - of_lists
        if of_events < of_lists:
            behind, other, topic, lead_s = other, behind, INTERACTIONS, -lead_s
        if lead_s > _MOST_AHEAD_S and not self._is_at_end[topic]:
            records = behind.poll(max_records, timeout_s)
        else:
            records = behind.poll(max_records, 0.0)
            if len(records) < max_records:
                records += other.poll(max_records - len(records), 0.0 if records else timeout_s)
        self._note(records)
        return records

    def _read_of(self, topic: str) -> float:
        """Return the append time up to which a topic was read, of the partition that is furthest behind."""
        times = [at for (name, _), at in self._appended_at.items() if name == topic]
        return min(times, default=-math.inf)

    def _note(self, records: Sequence[Record]) -> None:
        if not records:
            return
        now, watch = self._clock(), self._stopwatch()
        for record in records:
            if record.topic in TOPICS:
                self._last_at = at = min(record.timestamp, now)
                self._appended_at[record.topic, record.partition] = at
                if at >= self._log_time(watch) - self._settle_s or watch > self._kept_until:
                    self._told, self._kept_until = (at, watch), watch + _KEPT * self._settle_s

    def _log_time(self, watch: float) -> float:
        """Return the log's time at one of the stopwatch."""
        at, told_at = self._told
        return at + max(0.0, watch - told_at)

    def read_to(self) -> float | None:
        """Return a time, by the log's clock, up to which everything was read; None when it is not known.

        Of a partition that was read to its end that is now, as records told it last and the time since;
        of another one it is its last record's time.
        """
        watch = self._stopwatch()
        try:
            ends, offsets = self.end_offsets(), self.next_offsets()
        except Unavailable:
            return None
        left = {
            (topic, partition)
            for topic, partitions in ends.items()
            for partition, end in partitions.items()
            if offsets.get(topic, {}).get(partition, 0) < end
        }
        for topic in self._is_at_end:
            self._is_at_end[topic] = all(name != topic for name, _ in left)
        times = [self._appended_at.get(key, -math.inf) for key in left if key[0] in TOPICS]
        return min([self._log_time(watch), *times])

    def next_offsets(self) -> Offsets:
        """Return the offsets at which the next poll goes on."""
        return self._events.next_offsets() | self._lists.next_offsets()

    def end_offsets(self) -> Offsets:
        """Return the next offset that each log will give out."""
        return self._events.end_offsets() | self._lists.end_offsets()

    def identity_of(self, topic: str) -> str:
        """Return what tells this log from one that replaces it later; empty where nothing does."""
        return (self._lists if topic == IMPRESSIONS else self._events).identity_of(topic)

    def commit(self, next_offsets: Offsets) -> None:
        """Store the group's progress."""
        of_lists = {topic: offsets for topic, offsets in next_offsets.items() if topic == IMPRESSIONS}
        self._lists.commit(of_lists)
        self._events.commit({topic: at for topic, at in next_offsets.items() if topic != IMPRESSIONS})

    def committed(self) -> Offsets:
        """Return what was last committed for the group."""
        return self._events.committed() | self._lists.committed()

    def close(self) -> None:
        """Release both connections."""
        self._events.close()
        self._lists.close()
