"""Records of a backup, written to the partitions and offsets where they stood."""

from contextlib import suppress
from typing import Any

import msgspec
from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.connect import close_soon, connect, translated_errors
from streamrec.errors import ConfigurationError, CorruptArtifact, StreamrecError
from streamrec.ports import COMPACTED_TOPICS

MOST_FILLER = 1_000_000
"""Records of a partition that may stand for those that are gone: a minute or so of writing."""

_AT_ONCE = 2000
_FILLER_KEY = b"restored"
_TIMEOUT_S = 30.0


class CopiedRecord(msgspec.Struct, frozen=True, array_like=True):
    """A record as the copy has it; `timestamp` in Unix seconds."""

    partition: int
    offset: int
    key: str
    value: bytes | None
    timestamp: float


class TopicWriter:
    """Writes records of one topic to the partitions and offsets where they stood."""

    def __init__(self, address: KafkaAddress, producer: Any, topic: str) -> None:  # noqa: ANN401
        self._address, self._producer, self._topic = address, producer, topic
        self._name = address.prefix + topic
        self._next: dict[int, int] = {}
        self._first: dict[int, int] = {}
        self._sent: list[tuple[int, Any]] = []

    def write(self, entry: CopiedRecord) -> None:
        """Write a record, behind filler where there is a gap."""
        self.fill(entry.partition, entry.offset)
        self._first.setdefault(entry.partition, entry.offset)
        self._send(entry.partition, entry.key.encode(), entry.value, round(entry.timestamp * 1000))

    def fill(self, partition: int, until: int) -> None:
        """Let the partition end at an offset.

        Raises
        ------
        ConfigurationError
            When that takes too many records.
        """
        n_missing = until - self._next.get(partition, 0)
        if n_missing > MOST_FILLER:
            raise ConfigurationError(
                f"{self._topic}[{partition}] lacks {n_missing:,} records on end, and {MOST_FILLER:,} can be"
                " filled in: mirror the topic by Kafka's own tools, or learn anew from an archive"
            )
        self._first.setdefault(partition, until)
        for _ in range(n_missing):
            self._send(partition, _FILLER_KEY, None, None)

    def _send(self, partition: int, key: bytes, value: bytes | None, timestamp_ms: int | None) -> None:
        offset = self._next.get(partition, 0)
        with translated_errors(self._address):
            sent = self._producer.send(self._name, value, key, partition=partition, timestamp_ms=timestamp_ms)
        self._sent.append((offset, sent))
        self._next[partition] = offset + 1
        if len(self._sent) >= _AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Wait until all is acknowledged.

        Raises
        ------
        CorruptArtifact
            When a record stands elsewhere: somebody else writes there.
        """
        sent, self._sent = self._sent, []
        with translated_errors(self._address):
            for offset, future in sent:
                found = future.get(timeout=_TIMEOUT_S).offset
                if found != offset:
                    raise CorruptArtifact(
                        f"{self._address.shown}: a record of {self._topic} stands at {found} instead of"
                        f" {offset}: somebody else writes there"
                    )

    def forget_filler(self) -> None:
        """Let logs begin behind their filler, where the broker can do that; readers pass over it."""
        starts = {TopicPartition(self._name, number): first for number, first in self._first.items() if first}
        if not starts or self._topic in COMPACTED_TOPICS:
            return
        with suppress(StreamrecError, KafkaError, AttributeError):
            admin = connect(self._address, KafkaAdminClient)
            try:
                admin.delete_records(starts)
            finally:
                close_soon(admin.close)
