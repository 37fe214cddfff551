"""Kafka by URL, through kafka-python, or through confluent-kafka where the scheme says so."""

from collections.abc import Callable, Sequence

from streamrec.adapters.kafka import codecs
from streamrec.adapters.kafka.address import KafkaAddress, parse_kafka_url, require_confluent
from streamrec.adapters.kafka.sink import KafkaEventSink
from streamrec.adapters.kafka.source import KafkaEventSource
from streamrec.ports import COMMANDS, USER_VECTORS, EventSink, EventSource

_CONFLUENT = "kafka+confluent:"

_UNHURRIED = frozenset((COMMANDS, USER_VECTORS))
"""Topics that an index server reads one by one, and of which no list has to tell a moment later."""

_UNHURRIED_WAIT_MS = 200
"""An empty fetch of these is kept so long by a broker, at least: each takes both sides a millisecond of the
processor, and an idle index server made 200 of all topics a second."""


def open_event_source(
    url: str, topics: Sequence[str], group: str, *, count_damaged: Callable[[int], None] | None = None
) -> EventSource:
    """Open a reader of topics."""
    address = _address_of(url)
    if _UNHURRIED.issuperset(topics):
        address = address._replace(fetch_max_wait_ms=max(address.fetch_max_wait_ms, _UNHURRIED_WAIT_MS))
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
