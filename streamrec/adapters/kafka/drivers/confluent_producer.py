"""Sending records with confluent-kafka."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaError, Producer
from confluent_kafka import Message as Report

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.connect import unavailable
from streamrec.adapters.kafka.drivers.confluent import client_settings, error_of, translated_errors
from streamrec.adapters.kafka.drivers.python_producer import (
    BATCH_BYTES,
    DELIVERY_TIMEOUT_S,
    MAX_REQUEST_BYTES,
    known_offsets,
)
from streamrec.errors import Overloaded
from streamrec.ports import Message

_QUEUE_KBYTES = 64 << 10
_QUEUE_RECORDS = 500_000

_REPORT_WAIT_S = 0.2
_FLUSH_TIMEOUT_S = 1.0
_RETRY_AFTER_S = 1.0


class _Acknowledgements:
    """Counts what is still to be acknowledged, and keeps the first failure."""

    def __init__(self, n_expected: int) -> None:
        self._n_missing = n_expected
        self.is_complete = threading.Event()
        self.failure: KafkaError | None = None

    def take(self, error: KafkaError | None, _report: Report) -> None:
        """Note one report; called by the one thread that asks for them."""
        self.failure = self.failure or error
        self._n_missing -= 1
        if not self._n_missing:
            self.is_complete.set()


class ConfluentProducer:
    """Sends records; see `KafkaPythonProducer`, which it replaces."""

    def __init__(self, address: KafkaAddress) -> None:
        """Start; the library connects in its own time.

        Raises
        ------
        ConfigurationError
            When the settings do not fit together.
        """
        self._address = address
        with translated_errors(address):
            self._producer = Producer(
                client_settings(address)
                | {
                    "acks": "all",
                    "enable.idempotence": True,
                    "linger.ms": 0,
                    "batch.size": BATCH_BYTES,
                    "message.max.bytes": MAX_REQUEST_BYTES,
                    "delivery.timeout.ms": int(1000 * DELIVERY_TIMEOUT_S),
                    # Kafka's own rule; the library's differs, and a key would have two partitions.
                    "partitioner": "murmur2_random",
                    "queue.buffering.max.kbytes": _QUEUE_KBYTES,
                    "queue.buffering.max.messages": _QUEUE_RECORDS,
                }
            )
        self._closing = threading.Event()
        # Reports come to whoever asks: one thread asks, so that no sender waits for another's.
        self._reports = threading.Thread(target=self._ask_for_reports, name="kafka-reports", daemon=True)
        self._reports.start()

    def _ask_for_reports(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_REPORT_WAIT_S)

    def send(self, topic: str, messages: Sequence[Message]) -> None:
        """Send all, then wait for all acknowledgements.

        Raises
        ------
        Overloaded
            When the library's queue is full.
        Unavailable
            When one did not come in time; any of the records may have been written all the same.
        """
        name = self._address.prefix + topic
        acknowledgements = _Acknowledgements(len(messages))
        with self._saying_full():
            for key, value, _ in messages:
                self._producer.produce(name, value, key.encode(), on_delivery=acknowledgements.take)
        self._wait_for(acknowledgements)

    def send_to_each(self, topic: str, message: Message, n_partitions: int) -> dict[int, int]:
        """Send a record to each partition, and return its offsets once all are acknowledged; as `send`."""
        name, key = self._address.prefix + topic, message.key.encode()
        acknowledgements = _Acknowledgements(n_partitions)
        offsets: dict[int, int] = {}

        def take(error: KafkaError | None, report: Report) -> None:
            partition, offset = report.partition(), report.offset()
            if error is None and partition is not None:
                offsets[partition] = -1 if offset is None else offset
            acknowledgements.take(error, report)

        with self._saying_full():
            for number in range(n_partitions):
                self._producer.produce(name, message.value, key, partition=number, on_delivery=take)
        self._wait_for(acknowledgements)
        return known_offsets(self._address, offsets)

    @contextmanager
    def _saying_full(self) -> Iterator[None]:
        with translated_errors(self._address):
            try:
                yield
            except BufferError as error:
                raise Overloaded(
                    f"{self._address.shown}: too much waits to be sent", _RETRY_AFTER_S
                ) from error

    def _wait_for(self, acknowledgements: _Acknowledgements) -> None:
        if not acknowledgements.is_complete.wait(2 * DELIVERY_TIMEOUT_S):
            raise unavailable(self._address, "it acknowledges nothing")
        if acknowledgements.failure is not None:
            raise error_of(self._address, acknowledgements.failure)

    def close(self) -> None:
        """Give up what is not acknowledged yet, and close the connection."""
        self._closing.set()
        self._reports.join()
        self._producer.purge()
        self._producer.flush(_FLUSH_TIMEOUT_S)
