"""Offsets at which logs begin and end, and up to which a group has come."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.connect import (
    READ_COMMITTED,
    REQUEST_TIMEOUT_MS,
    close_soon,
    connect,
    translated_errors,
    unavailable,
)
from streamrec.adapters.kafka.drivers.damaged_batches import DamagedRecords, unpacking
from streamrec.adapters.kafka.drivers.stable_ends import StableEndsClient
from streamrec.errors import StreamrecError

Positions = dict[tuple[str, int], int]
"""(topic, partition) -> next offset. Topics here are without the prefix in the URL."""

_END_LOOK_WAIT_MS = 1

_END_LOOK_POLL_MS = 10
"""An empty answer ends no poll, though it tells the log's end: look so often whether one came."""


class KafkaOffsets:
    """Asks a broker for offsets, over a connection of its own made at the first use.

    It fetches besides asking: some brokers understate the end of a log to whoever asks for it (Tansu gives
    the first offset of the last batch, plus one), but none in the answer to a fetch. The connection that
    reads can't do so in passing: it would lose what it fetched ahead.
    """

    def __init__(self, address: KafkaAddress, group: str) -> None:
        self._address = address
        self._group = address.prefix + group
        self._consumer: Any = None
        self._stable_ends: dict[tuple[str, int], int] = {}

    def starts(self, partitions: Collection[tuple[str, int]]) -> Positions:
        """Return the first offset that each log still holds.

        Raises
        ------
        Unavailable
            When no broker answers.
        ConfigurationError
            When it refuses.
        """
        with self._connected() as consumer:
            return self._unnamed(self._told(consumer.beginning_offsets, self._named(partitions)))

    def ends(self, partitions: Collection[tuple[str, int]]) -> Positions:
        """Return the next offset that each log will give out."""
        return self._looked_up(partitions)[0]

    def readable_ends(self, partitions: Collection[tuple[str, int]]) -> Positions:
        """Return up to where each log can be read: not beyond a transaction that is still open."""
        return self._looked_up(partitions)[1]

    def _looked_up(self, partitions: Collection[tuple[str, int]]) -> tuple[Positions, Positions]:
        with self._connected() as consumer:
            named = self._named(partitions)
            told = self._told(consumer.end_offsets, named)
            consumer.assign(named)
            for partition, offset in told.items():
                consumer.seek(partition, offset)
            try:
                ends = self._seen_ends(consumer, told)
            finally:
                consumer.unsubscribe()
            stable = self._stable_ends
            readable = {key: min(end, stable.get(tuple(key), end)) for key, end in ends.items()}
            return self._unnamed(ends), self._unnamed(readable)

    def _told(
        self,
        ask: Callable[[list[TopicPartition]], dict[TopicPartition, int]],
        partitions: list[TopicPartition],
    ) -> dict[TopicPartition, int]:
        try:
            return ask(partitions)
        except KeyError as error:
            # The driver leaves out what its picture of the topics lacks; a new connection has a new one.
            raise unavailable(self._address, f"it is yet to learn of {error}") from error

    def _seen_ends(self, consumer: Any, told: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:  # noqa: ANN401
        deadline = time.monotonic() + REQUEST_TIMEOUT_MS / 1000
        while True:
            # What stands there is not wanted, and may be damaged.
            with suppress(DamagedRecords), unpacking():
                consumer.poll(timeout_ms=_END_LOOK_POLL_MS, max_records=1)
            seen = {partition: consumer.highwater(partition) for partition in told}
            if None not in seen.values():
                return {partition: max(seen[partition], told[partition]) for partition in told}
            if time.monotonic() > deadline:
                raise unavailable(self._address, "it answered no fetch in time")

    def commit(self, positions: Positions) -> None:
        """Store a group's progress."""
        with self._connected() as consumer:
            offsets = {
                TopicPartition(self._address.prefix + topic, partition): OffsetAndMetadata(offset, "", -1)
                for (topic, partition), offset in positions.items()
            }
            consumer.commit(offsets, timeout_ms=REQUEST_TIMEOUT_MS)

    def committed(self, partitions: Collection[tuple[str, int]]) -> Positions:
        """Return a group's progress, of the partitions that it has one in."""
        with self._connected() as consumer:
            found = {
                partition: consumer.committed(partition, timeout_ms=REQUEST_TIMEOUT_MS)
                for partition in self._named(partitions)
            }
            return self._unnamed({key: offset for key, offset in found.items() if offset is not None})

    def close(self) -> None:
        """Close the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            close_soon(partial(consumer.close, autocommit=False, timeout_ms=REQUEST_TIMEOUT_MS))

    def _named(self, partitions: Collection[tuple[str, int]]) -> list[TopicPartition]:
        return [TopicPartition(self._address.prefix + topic, partition) for topic, partition in partitions]

    def _unnamed(self, offsets: Mapping[TopicPartition, int]) -> Positions:
        prefix = self._address.prefix
        return {(key.topic.removeprefix(prefix), key.partition): offset for key, offset in offsets.items()}

    def _make_client(self, **config: object) -> StableEndsClient:
        client = StableEndsClient(**config)
        self._stable_ends = client.stable_ends.known
        return client

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        try:
            with translated_errors(self._address):
                if self._consumer is None:
                    self._consumer = connect(
                        self._address,
                        KafkaConsumer,
                        self._make_client,
                        group_id=self._group,
                        enable_auto_commit=False,
                        auto_offset_reset="none",
                        allow_auto_create_topics=False,
                        metrics_enabled=False,
                        # Within a session a broker says nothing of partitions where nothing is new.
                        enable_incremental_fetch_sessions=False,
                        isolation_level=READ_COMMITTED,
                        fetch_max_wait_ms=_END_LOOK_WAIT_MS,
                        fetch_max_bytes=1,
                        max_partition_fetch_bytes=1,
                    )
                yield self._consumer
        except StreamrecError:
            self.close()
            raise
