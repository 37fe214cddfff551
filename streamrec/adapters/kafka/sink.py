"""Kafka as a sink of events."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from streamrec.adapters.attempts import Attempts
from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.drivers.python_producer import MAX_REQUEST_BYTES, KafkaPythonProducer
from streamrec.adapters.kafka.in_flight import InFlight
from streamrec.adapters.kafka.topics import KafkaTopics
from streamrec.errors import InvalidInput, StreamrecError, Unavailable
from streamrec.faults.points import fault_point
from streamrec.ports import COMPACTED_TOPICS, Fence, Mark, Message

_RECORD_OVERHEAD_BYTES = 128
"""More than what surrounds key and value in a request of one record."""

MAX_RECORD_BYTES = MAX_REQUEST_BYTES - _RECORD_OVERHEAD_BYTES

_CHUNK_BYTES = 4 << 20
"""Sent before the acknowledgements are waited for: as much as 20,000 events."""

_MAX_IN_FLIGHT_BYTES = 32 << 20
_ROOM_PATIENCE_S = 5.0


class RecordProducer(Protocol):
    """Sender of records; see `KafkaPythonProducer`."""

    def send(self, topic: str, messages: Sequence[Message]) -> None: ...  # noqa: D102
    def send_to_each(self, topic: str, message: Message, n_partitions: int) -> dict[int, int]: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class KafkaEventSink:
    """Appends to topics of a Kafka; connects at the first use. Safe to call from several threads."""

    def __init__(
        self,
        address: KafkaAddress,
        open_producer: Callable[[KafkaAddress], RecordProducer] = KafkaPythonProducer,
    ) -> None:
        self._address = address
        self._open_producer = open_producer
        self._topics = KafkaTopics(address)
        self._in_flight = InFlight(_MAX_IN_FLIGHT_BYTES, _ROOM_PATIENCE_S)
        self._attempts, self._leaving = Attempts(), threading.Lock()
        self._producer: RecordProducer | None = None
        self._ready: frozenset[str] = frozenset()

    def append(self, topic: str, messages: Sequence[Message], fence: Fence | None = None) -> None:
        """Append, and return once every replica in step has them. Records of one key keep their order.

        A broker compares no tokens: the fence is without effect, and readers pass over what is older.

        Raises
        ------
        InvalidInput
            When one is too large for a topic; none was sent then.
        Overloaded
            When too much waits for acknowledgement already.
        Unavailable
            When the log does not answer in time; some or all may have been written.
        ConfigurationError
            When it refuses.
        """
        if topic in COMPACTED_TOPICS:
            messages = _with_tombstones(messages)
        for chunk, n_bytes in _chunks(messages):
            with self._in_flight.room(n_bytes):
                producer = self._connected(topic)
                try:
                    fault_point("kafka", f"send {topic}", Unavailable)
                    producer.send(topic, chunk)
                except InvalidInput:
                    raise
                except StreamrecError:
                    self._leave(producer)
                    raise

    def mark(self, topic: str, message: Message) -> Mark:
        """Append a record to each partition, and return where they stand.

        Raises
        ------
        Overloaded
            When too much waits for acknowledgement already.
        Unavailable
            When the log does not answer in time; some may have been written.
        ConfigurationError
            When it refuses.
        """
        # Asked each time: partitions that were just added hold events already.
        state = self._topics.create_missing([topic])[topic]
        n_bytes = len(message.key.encode()) + len(message.value or b"") + _RECORD_OVERHEAD_BYTES
        with self._in_flight.room(n_bytes * state.n_partitions):
            producer = self._connected(topic)
            try:
                fault_point("kafka", f"mark {topic}", Unavailable)
                offsets = producer.send_to_each(topic, message, state.n_partitions)
            except StreamrecError:
                self._leave(producer)
                raise
        return Mark(state.log_identity, offsets)

    def check(self) -> None:
        """Ask a broker for its topics."""
        self._topics.describe([])

    def close(self) -> None:
        """Close the connections."""
        if self._producer is not None:
            self._leave(self._producer)
        self._topics.close()

    def _connected(self, topic: str) -> RecordProducer:
        with self._attempts.one():
            if topic not in self._ready:
                self._ready |= self._topics.create_missing([topic]).keys()
            # Another thread may leave it at any moment.
            producer = self._producer or self._open_producer(self._address)
            self._producer = producer
            return producer

    def _leave(self, producer: RecordProducer) -> None:
        """Start over at the next append: a broker that came back may know neither us nor our topics."""
        with self._leaving:
            if self._producer is not producer:
                return  # another thread did
            self._producer, self._ready = None, frozenset()
        producer.close()
        self._topics.close()


def _with_tombstones(messages: Sequence[Message]) -> Sequence[Message]:
    """Return messages with a tombstone after each that is the last of its key.

    What came before it tells readers all there is to know; the tombstone lets the broker forget the key.
    """
    if not any(message.is_last for message in messages):
        return messages
    return [
        one
        for message in messages
        for one in ((message, Message(message.key, None)) if message.is_last else (message,))
    ]


def _chunks(messages: Sequence[Message]) -> Iterator[tuple[Sequence[Message], int]]:
    """Divide into chunks and their bytes.

    Raises
    ------
    InvalidInput
        When one message is too large.
    """
    sizes = [len(message.key.encode()) + len(message.value or b"") for message in messages]
    if sizes and max(sizes) > MAX_RECORD_BYTES:
        raise InvalidInput(f"a record of {max(sizes)} bytes; at most {MAX_RECORD_BYTES} fit into the log")
    start = n_bytes = 0
    for end, size in enumerate(sizes):
        if n_bytes + size > _CHUNK_BYTES:
            yield messages[start:end], n_bytes
            start, n_bytes = end, 0
        n_bytes += size + _RECORD_OVERHEAD_BYTES
    if sizes:
        yield messages[start:], n_bytes
