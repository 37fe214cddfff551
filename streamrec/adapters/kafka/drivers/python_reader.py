"""Fetching records with kafka-python."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kafka import KafkaConsumer, TopicPartition, errors

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.connect import READ_COMMITTED, close_soon, connect, translated_errors
from streamrec.adapters.kafka.drivers.damaged_batches import unpacking
from streamrec.adapters.kafka.offsets import Positions
from streamrec.ports import Record

_PARTITION_FETCH_BYTES = 1 << 20
_FETCH_BYTES = 8 << 20
"""Fetched ahead at most, some 40,000 events: what a backlog needs to be read at full speed. A record larger
than this comes alone."""


class OffsetGone(Exception):  # noqa: N818
    """A partition no longer has, or does not have yet, the offset that was to be read."""


class KafkaReader:
    """Reads partitions from given offsets; the connection is made by `assign`."""

    def __init__(self, address: KafkaAddress, clock: Callable[[], float] = time.time) -> None:
        """Take records without a time as appended at `clock()`, in Unix seconds."""
        self._address = address
        self._clock = clock
        self._consumer: Any = None

    def assign(self, positions: Positions) -> None:
        """Go on from these positions, and read nothing else; what was fetched ahead is dropped.

        Raises
        ------
        Unavailable
            When no broker answers.
        ConfigurationError
            When it refuses.
        """
        if self._consumer is None:
            self._consumer = connect(
                self._address,
                KafkaConsumer,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                allow_auto_create_topics=False,
                metrics_enabled=False,
                isolation_level=READ_COMMITTED,
                fetch_max_wait_ms=self._address.fetch_max_wait_ms,
                fetch_max_bytes=_FETCH_BYTES,
                max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
            )
        named = {
            TopicPartition(self._address.prefix + topic, partition): offset
            for (topic, partition), offset in positions.items()
        }
        self._consumer.unsubscribe()
        self._consumer.assign(list(named))
        for partition, offset in named.items():
            self._consumer.seek(partition, offset)

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return records as soon as there are some; empty after `timeout_s`, also while no broker answers.

        Raises
        ------
        OffsetGone
            When an offset is not there.
        DamagedRecords
            When what comes next in some partition can't be unpacked.
        ConfigurationError
            When a broker refuses.
        """
        with translated_errors(self._address):
            try:
                with unpacking():
                    polled = self._consumer.poll(timeout_ms=1000 * timeout_s, max_records=max_records)
            except (errors.OffsetOutOfRangeError, errors.LogTruncationError) as error:
                raise OffsetGone from error
        return self._records(polled) if polled else []

    def _records(self, polled: Mapping[TopicPartition, Any]) -> list[Record]:
        prefix, now = self._address.prefix, self._clock()
        records = []
        for (name, partition), batch in polled.items():
            topic = name.removeprefix(prefix)
            records += [
                Record(
                    topic,
                    partition=partition,
                    offset=record.offset,
                    key="" if record.key is None else record.key.decode(errors="replace"),
                    value=record.value,
                    timestamp=record.timestamp / 1000 if record.timestamp > 0 else now,
                )
                for record in batch
            ]
        return records

    def positions(self) -> Positions:
        """Return where the next poll goes on from: beyond what the log holds besides records, too."""
        prefix = self._address.prefix
        return {
            (partition.topic.removeprefix(prefix), partition.partition): position
            for partition in self._consumer.assignment()
            if (position := self._consumer.position(partition, timeout_ms=0)) is not None
        }

    def close(self) -> None:
        """Close the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            close_soon(partial(consumer.close, autocommit=False, timeout_ms=1000))
