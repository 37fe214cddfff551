"""Event sources by URL."""

from collections.abc import Callable, Sequence

from streamrec.adapters.sqlite.connection import path_of
from streamrec.adapters.sqlite.events import SqliteEventSource
from streamrec.errors import ConfigurationError
from streamrec.ports import EventSource
from streamrec.redaction import shown_url


def open_event_source(
    url: str, topics: Sequence[str], group: str, *, count_damaged: Callable[[int], None] | None = None
) -> EventSource:
    """Open a reader of `topics` that stands at their beginnings and commits as `group`.

    A Kafka is connected at the first use.

    Parameters
    ----------
    count_damaged
        Told how many batches of Kafka were passed over that can't be unpacked.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme, or the URL does not fit it.
    Unavailable
        When a file can't be opened.
    """
    if url.startswith("sqlite:"):
        return SqliteEventSource(path_of(url), topics, group)
    if url.startswith(("kafka:", "kafka+confluent:")):
        return _open_kafka(url, topics, group, count_damaged)
    raise ConfigurationError(
        f"no event log for {shown_url(url)!r}: use sqlite:///file.db or kafka://host:9092"
    )


def _open_kafka(
    url: str, topics: Sequence[str], group: str, count_damaged: Callable[[int], None] | None
) -> EventSource:
    # Imported where it is wanted: whoever runs on SQLite needs no driver in memory.
    from streamrec.adapters.kafka.address import parse_kafka_url, require_confluent
    from streamrec.adapters.kafka.source import KafkaEventSource

    place = parse_kafka_url(url)
    if not url.startswith("kafka+confluent:"):
        return KafkaEventSource(place, topics, group, count_damaged=count_damaged)
    require_confluent(place)
    from streamrec.adapters.kafka.drivers.confluent_reader import ConfluentReader

    return KafkaEventSource(place, topics, group, ConfluentReader, count_damaged)


def require_codecs(url: str) -> None:
    """See that whoever reads this log can unpack what others may have compressed.

    Raises
    ------
    ConfigurationError
        When a package is missing; it is named.
    """
    # confluent-kafka's wheels have every codec built in.
    if url.startswith("kafka:"):
        from streamrec.adapters.kafka import codecs as kafka_codecs
        from streamrec.adapters.kafka.address import parse_kafka_url

        kafka_codecs.require_codecs(parse_kafka_url(url))
