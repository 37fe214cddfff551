"""Logs in memory: for tests and for evaluation without a disk."""

import os
import time
from collections.abc import Callable, Sequence

from streamrec.errors import LogTruncated
from streamrec.ports import COMPACTED_TOPICS, Fence, Mark, Message, Offsets, Record, check_token

PARTITION = 0


class MemoryEventLog:
    """Logs as a broker would keep them, shared by the sinks and sources made from it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.identity = os.urandom(8).hex()
        self.records: dict[str, list[Record]] = {}
        self.committed: dict[tuple[str, str], int] = {}
        self._n_appended: dict[str, int] = {}
        self._tokens: dict[str, int] = {}

    def end_offset(self, topic: str) -> int:
        """Return the next offset that the topic will give out."""
        return self._n_appended.get(topic, 0)

    def hold(self, fence: Fence) -> None:
        """Refuse earlier holders from now on; raises `LeaseLost` when a later one has been here."""
        check_token(fence, self._tokens.get(fence.name, 0), "this log")
        self._tokens[fence.name] = fence.token

    def add(self, topic: str, message: Message) -> int:
        """Append one message and return its offset; in a compacted topic it replaces its predecessor."""
        records = self.records.setdefault(topic, [])
        if topic in COMPACTED_TOPICS:
            records[:] = [record for record in records if record.key != message.key]
        offset = self._n_appended.get(topic, 0)
        records.append(
            Record(
                topic,
                partition=PARTITION,
                offset=offset,
                key=message.key,
                value=message.value,
                timestamp=self._clock(),
            )
        )
        self._n_appended[topic] = offset + 1
        return offset


class MemoryEventSink:
    """Appends to a `MemoryEventLog`."""

    def __init__(self, log: MemoryEventLog) -> None:
        self._log = log

    def append(self, topic: str, messages: Sequence[Message], fence: Fence | None = None) -> None:
        """Append in order, unless one with a larger token than the fence's has been here."""
        if fence is not None:
            self._log.hold(fence)
        for message in messages:
            self._log.add(topic, message)

    def mark(self, topic: str, message: Message) -> Mark:
        """Append a record and return where it stands."""
        return Mark(self._log.identity, {PARTITION: self._log.add(topic, message)})

    def check(self) -> None:
        """Memory is always there."""

    def close(self) -> None:
        """Nothing to release."""


class MemoryEventSource:
    """Reads a `MemoryEventLog`."""

    def __init__(self, log: MemoryEventLog, topics: Sequence[str], group: str) -> None:
        self._log = log
        self._topics = tuple(topics)
        self._group = group
        self._next = dict.fromkeys(self._topics, 0)

    def seek(self, next_offsets: Offsets) -> None:
        """Go on from these offsets; topics not named start at their beginning."""
        for topic in self._topics:
            wanted = next_offsets.get(topic, {}).get(PARTITION, 0)
            end = self._log.end_offset(topic)
            if wanted > end:
                raise LogTruncated(f"the log of {topic!r} ends at offset {end}, but {wanted} was asked for")
            self._next[topic] = wanted

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return what is there; nobody else can append while we would wait."""
        records: list[Record] = []
        for topic in self._topics:
            start = self._next[topic]
            waiting = [record for record in self._log.records.get(topic, ()) if record.offset >= start]
            taken = waiting[: max_records - len(records)]
            if taken:
                records += taken
                self._next[topic] = taken[-1].offset + 1
        return records

    def next_offsets(self) -> Offsets:
        """Return where the next poll goes on from."""
        return {topic: {PARTITION: offset} for topic, offset in self._next.items()}

    def end_offsets(self) -> Offsets:
        """Return the next offset that each log will give out."""
        return {topic: {PARTITION: self._log.end_offset(topic)} for topic in self._topics}

    def identity_of(self, _topic: str) -> str:
        """Return what tells this log from another."""
        return self._log.identity

    def commit(self, next_offsets: Offsets) -> None:
        """Store the group's progress."""
        for topic, partitions in next_offsets.items():
            self._log.committed[self._group, topic] = partitions[PARTITION]

    def committed(self) -> Offsets:
        """Return what was last committed for the group."""
        return {
            topic: {PARTITION: offset}
            for (group, topic), offset in self._log.committed.copy().items()
            if group == self._group
        }

    def close(self) -> None:
        """Nothing to release."""
