"""Kafka by URL, through kafka-python, or through confluent-kafka where the scheme says so."""

from collections.abc import Callable, Sequence

from streamrec.adapters.kafka import codecs
from streamrec.adapters.kafka.address import KafkaAddress, parse_kafka_url, require_confluent
from streamrec.adapters.kafka.sink import KafkaEventSink
from streamrec.adapters.kafka.source import KafkaEventSource
from streamrec.ports import EventSink, EventSource

_CONFLUENT = "kafka+confluent:"


def open_event_source(
    url: str, topics: Sequence[str], group: str, *, count_damaged: Callable[[int], None] | None = None
) -> EventSource:
    """Open a reader of topics."""
    address = _address_of(url)
    if not url.startswith(_CONFLUENT):
        return KafkaEventSource(address, topics, group, count_damaged=count_damaged)
    from streamrec.adapters.kafka.drivers.confluent_reader import ConfluentReader  # an optional package

    return KafkaEventSource(address, topics, group, ConfluentReader, count_damaged)


def open_event_sink(url: str) -> EventSink:
    """Open a writer of topics."""
    address = _address_of(url)
    if not url.startswith(_CONFLUENT):
        return KafkaEventSink(address)
    from streamrec.adapters.kafka.drivers.confluent_producer import ConfluentProducer  # an optional package

    return KafkaEventSink(address, ConfluentProducer)


def require_codecs(url: str) -> None:
    """See that every codec can be unpacked; the wheels of confluent-kafka have all of them built in."""
    if not url.startswith(_CONFLUENT):
        codecs.require_codecs(_address_of(url))


def _address_of(url: str) -> KafkaAddress:
    address = parse_kafka_url(url)
    if url.startswith(_CONFLUENT):
        require_confluent(address)
    return address
