"""Events and lists, two topics of one log that are read beside each other, neither far ahead of the other.

A source reads its topics as they come: after a pause one would be read to its end before the other begins,
and all of it would have to wait in memory. So each has a source of its own here, and one that is ahead rests.
"""

import math
from collections.abc import Callable, Sequence

from streamrec.errors import Unavailable
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, EventSource, Offsets, Record

_MOST_AHEAD_S = 10.0
"""By append times, while the other is not read to its end."""

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
    """

    def __init__(
        self,
        events: EventSource,
        lists: EventSource,
        clock: Callable[[], float],
        stopwatch: Callable[[], float],
    ) -> None:
        self._events, self._lists = events, lists
        self._clock, self._stopwatch = clock, stopwatch
        self._appended_at: dict[tuple[str, int], float] = {}
        # Last append time read, and when it was read; at first the clock's, as nothing else tells the time.
        self._last = clock(), stopwatch()
        self._is_at_end = {COMMANDS: True, INTERACTIONS: True, IMPRESSIONS: True}

    def seek(self, next_offsets: Offsets) -> None:
        """Go on from these offsets, in both.

        Raises
        ------
        LogTruncated
            When one of them ends before that, or no longer holds it.
        """
        self._events.seek(next_offsets)
        self._lists.seek(next_offsets)
        self._appended_at.clear()
        self._last = self._clock(), self._stopwatch()

    @property
    def last_at(self) -> float:
        """Time at which the record that was read last was appended; Unix seconds, by the log's clock."""
        return self._last[0]

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
        now = self._clock()
        for record in records:
            if record.topic in TOPICS:
                at = min(record.timestamp, now)
                self._appended_at[record.topic, record.partition] = at
                self._last = at, self._stopwatch()

    def read_to(self) -> float | None:
        """Return a time, by the log's clock, up to which everything was read; None when it is not known.

        Of a partition that was read to its end that is now, as the last record tells it and the time since;
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
        at, read_at = self._last
        times = [self._appended_at.get(key, -math.inf) for key in left if key[0] in TOPICS]
        return min([at + max(0.0, watch - read_at), *times])

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
