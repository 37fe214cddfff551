"""Event sinks by URL."""

from streamrec.adapters.sqlite.connection import path_of
from streamrec.adapters.sqlite.events import SqliteEventSink
from streamrec.errors import ConfigurationError
from streamrec.ports import EventSink
from streamrec.redaction import shown_url


def open_event_sink(url: str) -> EventSink:
    """Open a writer of topics. A Kafka is connected at the first use.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme, or the URL does not fit it.
    Unavailable
        When a file can't be opened.
    """
    if url.startswith("sqlite:"):
        return SqliteEventSink(path_of(url))
    if url.startswith(("kafka:", "kafka+confluent:")):
        return _open_kafka(url)
    raise ConfigurationError(
        f"no event log for {shown_url(url)!r}: use sqlite:///file.db or kafka://host:9092"
    )


def _open_kafka(url: str) -> EventSink:
    # Imported where it is wanted: whoever runs on SQLite needs no driver in memory.
    from streamrec.adapters.kafka.address import parse_kafka_url, require_confluent
    from streamrec.adapters.kafka.sink import KafkaEventSink

    place = parse_kafka_url(url)
    if not url.startswith("kafka+confluent:"):
        return KafkaEventSink(place)
    require_confluent(place)
    from streamrec.adapters.kafka.drivers.confluent_producer import ConfluentProducer

    return KafkaEventSink(place, ConfluentProducer)
