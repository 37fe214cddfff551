"""Backups of Kafka topics: records with their offsets, which they have again once they are restored.

Checkpoints, erasures and snapshots name offsets. So a restored topic gives each record the offset that it
had; where the first ones are gone by retention, or a broker used an offset itself, filler stands in between.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaProducer

from streamrec.adapters.kafka.address import KafkaAddress, parse_kafka_url
from streamrec.adapters.kafka.connect import close_soon, connect
from streamrec.adapters.kafka.offsets import KafkaOffsets
from streamrec.adapters.kafka.restored_topic import CopiedRecord, TopicWriter
from streamrec.adapters.kafka.source import KafkaEventSource
from streamrec.adapters.kafka.topics import TOPICS, KafkaTopics, partitions_of
from streamrec.domain.generations.changelog import of_changelog_key
from streamrec.durable_files import replace_bytes, written
from streamrec.errors import ConfigurationError, Conflict, Unavailable
from streamrec.frames import frames_in, write_frame
from streamrec.ports import (
    COMMANDS,
    ITEM_VECTORS,
    PROBES,
    USER_VECTORS,
    Offsets,
    Record,
    n_between,
)
from streamrec.ports.copies import Counts
from streamrec.traces import Trace

COPIED = tuple(topic for topic in TOPICS if topic != PROBES)

_ABOUT = "about.json"
_AT_ONCE = 2000
_SILENT_POLLS = 30


class _Topic(msgspec.Struct, frozen=True):
    """Ends of a topic's partitions when it was copied."""

    ends: dict[int, int]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CopiedRecord).decode
_decode_about = msgspec.json.Decoder(dict[str, _Topic], strict=False).decode


class KafkaCopies:
    """Implements `Copies` for all topics under a URL's prefix."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address

    def copy_to(self, folder: Path) -> Counts:
        """Write each topic up to where it ends now."""
        about: dict[str, _Topic] = {}
        counts: dict[str, int] = {}
        for topic in COPIED:
            with closing(KafkaEventSource(self._address, [topic], "backup")) as source:
                source.seek({})
                ends = source.end_offsets()
                about[topic] = _Topic(ends[topic])
                with written(folder / f"{topic}.records") as file:
                    counts[topic] = 0
                    for record in _records_before(source, ends):
                        entry = CopiedRecord(*record[1:3], record.key, record.value, record.timestamp)
                        write_frame(file, _encode(entry))
                        counts[topic] += 1
        replace_bytes(folder / _ABOUT, msgspec.json.encode(about))
        return counts

    def check_free(self, *, overwrite: bool) -> None:  # noqa: ARG002 nobody can take offsets back
        """Look whether a topic ever held a record."""
        with (
            closing(KafkaTopics(self._address)) as topics,
            closing(KafkaOffsets(self._address, "backup")) as offsets,
        ):
            partitions = partitions_of(topics.describe(COPIED))
            if partitions and any(offsets.ends(partitions).values()):
                raise Conflict(
                    f"{self._address.shown} has topics with records, whose offsets nobody can take back: name"
                    " another prefix for the topics, as in kafka://host:9092/restored"
                )

    def restore_from(self, folder: Path) -> Counts:
        """Write all records where they stood, into topics that `check_free` found empty.

        Raises
        ------
        ConfigurationError
            When there are too few partitions, or too many records would have to be filled in.
        """
        about = _decode_about((folder / _ABOUT).read_bytes())
        self._create(about)
        producer = connect(
            self._address, KafkaProducer, acks="all", enable_idempotence=True, linger_ms=5,
            allow_auto_create_topics=False, metrics_enabled=False,
        )  # fmt: skip
        try:
            return {topic: self._write(producer, folder, topic, about[topic]) for topic in about}
        finally:
            close_soon(partial(producer.close, timeout=0))

    def _create(self, about: Mapping[str, _Topic]) -> None:
        wanted = max(len(topic.ends) for topic in about.values())
        topics = KafkaTopics(self._address._replace(partitions=wanted))
        with closing(topics):
            created = topics.create_missing(COPIED)
        for topic, one in about.items():
            if created[topic].n_partitions < len(one.ends):
                raise ConfigurationError(
                    f"{self._address.shown}: {topic} has {created[topic].n_partitions} partitions, and had"
                    f" {len(one.ends)}: name another prefix for the topics"
                )

    def _write(self, producer: Any, folder: Path, topic: str, about: _Topic) -> int:  # noqa: ANN401
        writer = TopicWriter(self._address, producer, topic)
        n_records = 0
        for entry in map(_decode, frames_in(folder / f"{topic}.records")):
            writer.write(entry)
            n_records += 1
        for partition, end in about.ends.items():
            writer.fill(partition, end)
        writer.settle()
        writer.forget_filler()
        return n_records

    def rename_log(self, before: str, after: str) -> None:
        """Return: nothing here names another log."""

    def traces_of(self, trace: Trace) -> Counts:
        """Return the records that name a user, by topic; tombstones too, whose keys are ids."""
        counts: dict[str, int] = {}
        for topic in COPIED:
            with closing(KafkaEventSource(self._address, [topic], "backup")) as source:
                source.seek({})
                found = _records_before(source, source.end_offsets())
                counts[topic] = sum(_names(record, trace) for record in found)
        return counts

    def scrub(self) -> bool:
        """Return False: records go by the topic's retention and compaction alone."""
        return False

    def close(self) -> None:
        """Return: no connection is kept."""


def _records_before(source: KafkaEventSource, ends: Offsets) -> Iterator[Record]:
    """Yield all records before the ends.

    Raises
    ------
    Unavailable
        When the broker stops to give any.
    """
    n_silent = 0
    while n_between(source.next_offsets(), ends):
        records = source.poll(_AT_ONCE, 1.0)
        n_silent = 0 if records else n_silent + 1
        if n_silent > _SILENT_POLLS:
            raise Unavailable(f"the log gives no records, and ends at {ends}")
        yield from (one for one in records if one.offset < ends[one.topic].get(one.partition, 0))


def _names(record: Record, trace: Trace) -> bool:
    """Return whether the key is the id, that of its vectors included, or the value holds it."""
    id_ = of_changelog_key(record.key)[0] if record.topic == USER_VECTORS else record.key
    is_of_item = record.topic == ITEM_VECTORS or (trace.is_of_item and record.topic == COMMANDS)
    return not is_of_item and (id_ == trace.user_id or trace.is_in(record.value or b""))


def open_copies(url: str) -> KafkaCopies:
    """Open the topics under a URL, through kafka-python, which writes to partitions of choice."""
    return KafkaCopies(parse_kafka_url(url.replace("kafka+confluent:", "kafka:", 1)))
