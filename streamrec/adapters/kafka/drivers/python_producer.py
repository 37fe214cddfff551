"""Sending records with kafka-python."""

import time
from collections.abc import Sequence

from kafka import KafkaProducer

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.connect import close_soon, connect, translated_errors, unavailable
from streamrec.adapters.kafka.partitioner import KeyPartitioner
from streamrec.ports import Message

MAX_REQUEST_BYTES = 1 << 20
"""Bytes that a broker takes by default, in one request and in one record."""

DELIVERY_TIMEOUT_S = 8.0
"""After this a record is given up. A broker that takes longer is as good as away to who waits for it."""

_SENDER_PATIENCE_S = 2.0

BATCH_BYTES = 256 << 10
"""Records of a partition that travel together at most, when many come at once; one alone waits for none."""


class KafkaPythonProducer:
    """Sends to all replicas, each record once (the broker tells repeats by their numbers).

    Records of one key keep their order. The key settles the partition by murmur2, as in Kafka's own client.
    """

    def __init__(self, address: KafkaAddress) -> None:
        """Connect.

        Raises
        ------
        Unavailable
            When no broker answers.
        ConfigurationError
            When it refuses.
        """
        self._address = address
        self._producer = connect(
            address,
            KafkaProducer,
            acks="all",
            enable_idempotence=True,
            partitioner=KeyPartitioner(),
            linger_ms=0,
            batch_size=BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            max_block_ms=1000 * DELIVERY_TIMEOUT_S,
            delivery_timeout_ms=1000 * DELIVERY_TIMEOUT_S,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )

    def send(self, topic: str, messages: Sequence[Message]) -> None:
        """Send all, then wait for all acknowledgements.

        Raises
        ------
        Unavailable
            When one did not come in time; any of the records may have been written all the same.
        """
        deadline = time.monotonic() + 2 * DELIVERY_TIMEOUT_S
        name = self._address.prefix + topic
        with translated_errors(self._address):
            sent = [self._producer.send(name, value, key.encode()) for key, value, _ in messages]
            for future in sent:
                future.get(timeout=max(deadline - time.monotonic(), 0.0))

    def send_to_each(self, topic: str, message: Message, n_partitions: int) -> dict[int, int]:
        """Send a record to each partition, and return its offsets once all are acknowledged.

        Raises
        ------
        Unavailable
            When one did not come in time; any of the records may have been written all the same.
        """
        deadline = time.monotonic() + 2 * DELIVERY_TIMEOUT_S
        name, key = self._address.prefix + topic, message.key.encode()
        with translated_errors(self._address):
            if not set(range(n_partitions)) <= (self._producer.partitions_for(name) or set()):
                raise unavailable(self._address, f"this connection is yet to learn of partitions of {name}")
            sent = [
                self._producer.send(name, message.value, key, partition=number)
                for number in range(n_partitions)
            ]
            offsets = {
                number: future.get(timeout=max(deadline - time.monotonic(), 0.0)).offset
                for number, future in enumerate(sent)
            }
        return known_offsets(self._address, offsets)

    def close(self) -> None:
        """Give up what is not acknowledged yet, and close the connection."""
        close_soon(self._give_up)

    def _give_up(self) -> None:
        # Its own closing waits for what is in flight, and where that is not through in time leaves its thread
        # and its connection as they are; its finalizer would then hold up whichever thread comes upon it.
        sender = self._producer._sender  # noqa: SLF001  # nothing public ends it at once
        sender.force_close()
        sender.join(_SENDER_PATIENCE_S)
        self._producer.close(timeout=0)


def known_offsets(address: KafkaAddress, offsets: dict[int, int]) -> dict[int, int]:
    """Return offsets that a broker acknowledged.

    Raises
    ------
    Unavailable
        When it did not say one: it does not know any more where a record stands that was sent twice.
    """
    if any(offset < 0 for offset in offsets.values()):
        raise unavailable(address, "it does not say where a record stands")
    return offsets
