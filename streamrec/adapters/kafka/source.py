"""Kafka as a source of events: all partitions of some topics, read from offsets that we keep ourselves.

Partitions are assigned, not shared out by a group: one reader has them all, and whoever has the right to
read is settled by a lease elsewhere. The group's name serves the commits alone.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.commits import KafkaCommits
from streamrec.adapters.kafka.connect import unavailable
from streamrec.adapters.kafka.drivers.damaged_batches import DamagedRecords, end_of_damage
from streamrec.adapters.kafka.drivers.python_reader import KafkaReader, OffsetGone
from streamrec.adapters.kafka.offsets import KafkaOffsets, Positions
from streamrec.adapters.kafka.topics import KafkaTopics, TopicState, is_replaced, partitions_of
from streamrec.adapters.kafka.truncation import readable_positions, truncation
from streamrec.errors import StreamrecError
from streamrec.log_limits import warn_seldom
from streamrec.ports import Offsets, Record

_IDLE_LOOK_S, _BUSY_LOOK_S = 1.0, 10.0
"""Seconds between two looks at the topics: for what a reader is not told of, such as a broker that came back
without its records, or new partitions. A look costs some 5 ms."""


class PartitionReader(Protocol):
    """Fetcher of records; see `KafkaReader`."""

    def assign(self, positions: Positions) -> None: ...  # noqa: D102
    def poll(self, max_records: int, timeout_s: float) -> list[Record]: ...  # noqa: D102
    def positions(self) -> Positions: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class KafkaEventSource:
    """Reads topics of a Kafka; connects at the first use. One thread at a time.

    `count_damaged` is told how many batches were passed over that can't be unpacked.
    """

    def __init__(
        self,
        address: KafkaAddress,
        topics: Sequence[str],
        group: str,
        open_reader: Callable[[KafkaAddress], PartitionReader] = KafkaReader,
        count_damaged: Callable[[int], None] | None = None,
    ) -> None:
        self._address = address
        self._topics = tuple(topics)
        self._descriptions = KafkaTopics(address)
        self._offsets = KafkaOffsets(address, group)
        self._commits = KafkaCommits(address, group)
        self._open_reader = open_reader
        self._count_damaged = count_damaged
        self._reader: PartitionReader | None = None
        self._known: dict[str, TopicState] = {}
        self._next: Positions = {}
        self._is_idle = False
        self._looked_at = -math.inf

    def seek(self, next_offsets: Offsets) -> None:
        """Go on from these positions; topics and partitions not named start at their beginning.

        Raises
        ------
        LogTruncated
            When a log ends before the offset asked for, or deleted records from there on. In a compacted
            topic the latter is as it should be.
        Unavailable
            When no broker answers.
        ConfigurationError
            When it refuses.
        """
        known = self._descriptions.create_missing(self._topics)
        for topic in self._topics:
            for partition, offset in next_offsets.get(topic, {}).items():
                if offset and partition >= known[topic].n_partitions:
                    raise truncation(self._address, (topic, partition), "is not there", offset)
        positions = self._offsets.starts(partitions_of(known))
        positions |= {key: offset for key, offset in _flat(next_offsets).items() if key in positions}
        self._next = self._checked(positions)
        self._known = known
        self._read_from_here()

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return up to `max_records`, as soon as there are some; empty after `timeout_s` without any.

        Raises
        ------
        LogTruncated
            When the log lost what would have been read next.
        Unavailable
            When no broker answers. The offset is kept.
        ConfigurationError
            When it refuses.
        """
        interval_s = _IDLE_LOOK_S if self._is_idle else _BUSY_LOOK_S
        if self._reader is None or time.monotonic() - self._looked_at >= interval_s:
            self._look()
        reader = self._reader_here()
        try:
            records = reader.poll(max_records, timeout_s)
        except OffsetGone:
            self._next = self._checked(self._next)
            self._read_from_here()
            return []
        except DamagedRecords as error:
            self._pass_over(error)
            return []
        except StreamrecError:
            self._leave()
            raise
        self._is_idle = not records
        # Of a partition's records the last one counts.
        self._next |= {(record.topic, record.partition): record.offset + 1 for record in records}
        return records

    def next_offsets(self) -> Offsets:
        """Return where the next poll goes on from; without asking anybody, so empty before the first use."""
        return self._by_topic(self._next)

    def end_offsets(self) -> Offsets:
        """Return up to where each log can be read now: its end, or a transaction that is still open."""
        return self._by_topic(self._offsets.readable_ends(partitions_of(self._connected())))

    def identity_of(self, topic: str) -> str:
        """Return what tells this topic from one of the same name; empty where the broker gives none."""
        return self._connected()[topic].log_identity

    def commit(self, next_offsets: Offsets) -> None:
        """Store the group's progress; takes two seconds at most, whatever the broker does.

        Raises
        ------
        Unavailable
            When no broker takes it in time.
        ConfigurationError
            When it refuses.
        """
        self._commits.commit(_flat(next_offsets))

    def committed(self) -> Offsets:
        """Return what was last committed for the group."""
        found = self._offsets.committed(partitions_of(self._connected()))
        return {topic: positions for topic, positions in self._by_topic(found).items() if positions}

    def close(self) -> None:
        """Close all connections."""
        self._leave()
        self._commits.close()

    def _connected(self) -> dict[str, TopicState]:
        if not self._known:
            self.seek({})
        return self._known

    def _look(self) -> None:
        """See whether the topics are still what we read, and read from here on if nobody does."""
        if not self._known:
            self.seek({})
            return
        if self._reader is not None and self._is_idle:
            # A log may hold more than records, such as the ends of transactions: they count in its length.
            self._next |= self._reader.positions()
        try:
            known = self._descriptions.describe(self._topics)
            replaced = [topic for topic in self._topics if is_replaced(self._known[topic], known.get(topic))]
            for partition, offset in self._next.items():
                if offset and partition[0] in replaced:
                    raise truncation(self._address, partition, "was deleted", offset)
            if replaced:
                known = self._descriptions.create_missing(self._topics)
            new = {key: 0 for key in partitions_of(known) if key not in self._next}
            self._next = self._checked(self._next | new)
        except StreamrecError:
            self._leave()
            raise
        self._known = known
        if self._reader is None or replaced or new:
            self._read_from_here()
        self._looked_at = time.monotonic()

    def _pass_over(self, damage: DamagedRecords) -> None:
        """Go on behind batches that can't be unpacked.

        Raises
        ------
        Unavailable
            When none is found, or no broker answers; the offset is kept.
        """
        self._leave()  # a driver that met damage may be in any state
        found = {}
        for (topic, partition), offset in self._next.items():
            end = end_of_damage(self._address, topic, partition, offset)
            if end is not None:
                found[topic, partition] = end
                log = f"{topic}[{partition}]"
                warn_seldom(
                    "batch_damaged", log=log, offset=offset, n_offsets=end - offset, error=str(damage)
                )
        if not found:
            raise unavailable(self._address, f"what it holds can't be unpacked: {damage}")
        if self._count_damaged is not None:
            self._count_damaged(len(found))
        self._next |= found
        self._read_from_here()

    def _checked(self, positions: Positions) -> Positions:
        starts, ends = self._offsets.starts(positions), self._offsets.ends(positions)
        return readable_positions(positions, starts, ends, self._address)

    def _read_from_here(self) -> None:
        try:
            self._reader_here().assign(self._next)
        except StreamrecError:
            self._leave()
            raise
        self._looked_at = time.monotonic()

    def _reader_here(self) -> PartitionReader:
        if self._reader is None:
            self._reader = self._open_reader(self._address)
        return self._reader

    def _leave(self) -> None:
        """Start over at the next use: of a broker that was away, every connection is stale."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
        self._offsets.close()
        self._descriptions.close()

    def _by_topic(self, positions: Positions) -> Offsets:
        offsets: Offsets = {topic: {} for topic in self._topics}
        for (topic, partition), offset in dict(positions).items():
            offsets[topic][partition] = offset
        return offsets


def _flat(offsets: Offsets) -> Positions:
    return {
        (topic, partition): offset
        for topic, partitions in offsets.items()
        for partition, offset in partitions.items()
    }
