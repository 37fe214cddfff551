"""Fetching records with confluent-kafka."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.codecs import unreadable
from streamrec.adapters.kafka.connect import READ_COMMITTED, close_soon
from streamrec.adapters.kafka.drivers.confluent import client_settings, error_of, translated_errors
from streamrec.adapters.kafka.drivers.damaged_batches import DamagedRecords
from streamrec.adapters.kafka.drivers.python_reader import OffsetGone
from streamrec.adapters.kafka.offsets import Positions
from streamrec.errors import ConfigurationError
from streamrec.ports import Record

_QUEUED_KBYTES = 8 << 10
_QUEUED_RECORDS = 40_000
"""Fetched ahead; from here on it pauses, for so long:"""

_PAUSE_MS = 5

_END = KafkaError._PARTITION_EOF  # noqa: SLF001  # not a failure: its own events have names of this kind
_DAMAGED = (KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION)  # noqa: SLF001
_NO_CODEC = KafkaError._NOT_IMPLEMENTED  # noqa: SLF001
_GONE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)  # noqa: SLF001


class ConfluentReader:
    """Reads partitions from given offsets; see `KafkaReader`, which it replaces."""

    def __init__(self, address: KafkaAddress, clock: Callable[[], float] = time.time) -> None:
        """Take records without a time as appended at `clock()`, in Unix seconds."""
        self._address = address
        self._clock = clock
        self._consumer: Any = None
        self._positions: Positions = {}
        self._damage: DamagedRecords | None = None

    def assign(self, positions: Positions) -> None:
        """Go on from these positions, and read nothing else; what was fetched ahead is dropped.

        Raises
        ------
        ConfigurationError
            When the settings do not fit together.
        """
        prefix = self._address.prefix
        with translated_errors(self._address):
            if self._consumer is None:
                self._consumer = Consumer(self._settings())
            self._consumer.assign(
                [
                    TopicPartition(prefix + topic, partition, offset)
                    for (topic, partition), offset in positions.items()
                ]
            )
        self._positions = dict(positions)

    def _settings(self) -> dict[str, Any]:
        return client_settings(self._address) | {
            # It wants a name, and joins no group all the same: partitions are assigned, nothing is committed.
            "group.id": f"{self._address.prefix}readers",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "isolation.level": READ_COMMITTED,
            "check.crcs": True,
            "max.poll.interval.ms": 86_400_000,
            "fetch.wait.max.ms": self._address.fetch_max_wait_ms,
            "fetch.queue.backoff.ms": _PAUSE_MS,
            "queued.min.messages": _QUEUED_RECORDS,
            "queued.max.messages.kbytes": _QUEUED_KBYTES,
        }

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
        if self._damage is not None:
            raise self._damage
        deadline = time.monotonic() + timeout_s
        with translated_errors(self._address):
            while True:
                # Asked for many, it would wait until it has as many; so it waits for one.
                first = self._consumer.poll(max(deadline - time.monotonic(), 0.0))
                if first is None:
                    return []
                records = self._records([first, *self._consumer.consume(max_records - 1, 0)])
                if records:
                    return records  # those before damage: it is told at the next poll
                if self._damage is not None:
                    raise self._damage

    def _records(self, messages: Sequence[Any]) -> list[Record]:
        prefix = self._address.prefix
        records = []
        for message in messages:
            topic, partition = (message.topic() or "").removeprefix(prefix), message.partition()
            error = message.error()
            if error is not None:
                self._take_note(error, (topic, partition), message.offset())
                continue
            key, (_, milliseconds) = message.key(), message.timestamp()
            timestamp = milliseconds / 1000 if milliseconds > 0 else self._clock()
            text = key.decode(errors="replace") if key else ""
            records.append(
                Record(
                    topic,
                    partition=partition,
                    offset=message.offset(),
                    key=text,
                    value=message.value(),
                    timestamp=timestamp,
                )
            )
        self._positions |= {(record.topic, record.partition): record.offset + 1 for record in records}
        return records

    def _take_note(self, error: KafkaError, partition: tuple[str, int], offset: int) -> None:
        if error.code() == _END:
            self._positions[partition] = offset
        elif error.code() in _GONE:
            raise OffsetGone
        elif error.code() == _NO_CODEC and "codec" in error.str():
            raise unreadable(self._address, error.str())
        elif error.code() in (*_DAMAGED, _NO_CODEC):
            self._damage = DamagedRecords(error.str())
        else:
            problem = error_of(self._address, error)
            # A broker that is away is tried again by the library; the source notices by itself.
            if isinstance(problem, ConfigurationError):
                raise problem

    def positions(self) -> Positions:
        """Return where the next poll goes on from: beyond what the log holds besides records, too."""
        return dict(self._positions)

    def close(self) -> None:
        """Close the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            close_soon(consumer.close)
