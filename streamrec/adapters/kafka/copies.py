"""Backups of Kafka topics: records with their offsets, which they have again once they are restored.

Checkpoints, erasures and snapshots name offsets. So a restored topic gives each record the offset that it
had; where the first ones are gone by retention, or a broker used an offset itself, filler stands in between.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streamrec.adapters.kafka.address import KafkaAddress, parse_kafka_url
from streamrec.adapters.kafka.connect import close_soon, connect, translated_errors
from streamrec.adapters.kafka.offsets import KafkaOffsets
from streamrec.adapters.kafka.source import KafkaEventSource
from streamrec.adapters.kafka.topics import TOPICS, KafkaTopics, partitions_of
from streamrec.durable_files import replace_bytes, written
from streamrec.errors import ConfigurationError, Conflict, CorruptArtifact, StreamrecError, Unavailable
from streamrec.frames import frames_in, write_frame
from streamrec.ports import COMPACTED_TOPICS, PROBES, Offsets, Record, n_between
from streamrec.ports.copies import Counts

COPIED = tuple(topic for topic in TOPICS if topic != PROBES)

MOST_FILLER = 1_000_000
"""Records of a partition that may stand for those that are gone: a minute or so of writing."""

_ABOUT = "about.json"
_AT_ONCE = 2000
_SILENT_POLLS = 30
_FILLER_KEY = b"restored"
_TIMEOUT_S = 30.0


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """A record as the copy has it; `timestamp` in Unix seconds."""

    partition: int
    offset: int
    key: str
    value: bytes | None
    timestamp: float


class _Topic(msgspec.Struct, frozen=True):
    """Ends of a topic's partitions when it was copied."""

    ends: dict[int, int]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Entry).decode
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
                        entry = _Entry(*record[1:3], record.key, record.value, record.timestamp)
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
        writer = _TopicWriter(self._address, producer, topic)
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

    def close(self) -> None:
        """Return: no connection is kept."""


class _TopicWriter:
    """Writes records of one topic to the partitions and offsets where they stood."""

    def __init__(self, address: KafkaAddress, producer: Any, topic: str) -> None:  # noqa: ANN401
        self._address, self._producer, self._topic = address, producer, topic
        self._name = address.prefix + topic
        self._next: dict[int, int] = {}
        self._first: dict[int, int] = {}
        self._sent: list[tuple[int, Any]] = []

    def write(self, entry: _Entry) -> None:
        """Write a record, behind filler where there is a gap."""
        self.fill(entry.partition, entry.offset)
        self._first.setdefault(entry.partition, entry.offset)
        self._send(entry.partition, entry.key.encode(), entry.value, round(entry.timestamp * 1000))

    def fill(self, partition: int, until: int) -> None:
        """Let the partition end at an offset.

        Raises
        ------
        ConfigurationError
            When that takes too many records.
        """
        n_missing = until - self._next.get(partition, 0)
        if n_missing > MOST_FILLER:
            raise ConfigurationError(
                f"{self._topic}[{partition}] lacks {n_missing:,} records on end, and {MOST_FILLER:,} can be"
                " filled in: mirror the topic by Kafka's own tools, or learn anew from an archive"
            )
        self._first.setdefault(partition, until)
        for _ in range(n_missing):
            self._send(partition, _FILLER_KEY, None, None)

    def _send(self, partition: int, key: bytes, value: bytes | None, timestamp_ms: int | None) -> None:
        offset = self._next.get(partition, 0)
        with translated_errors(self._address):
            sent = self._producer.send(self._name, value, key, partition=partition, timestamp_ms=timestamp_ms)
        self._sent.append((offset, sent))
        self._next[partition] = offset + 1
        if len(self._sent) >= _AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Wait until all is acknowledged.

        Raises
        ------
        CorruptArtifact
            When a record stands elsewhere: somebody else writes there.
        """
        sent, self._sent = self._sent, []
        with translated_errors(self._address):
            for offset, future in sent:
                found = future.get(timeout=_TIMEOUT_S).offset
                if found != offset:
                    raise CorruptArtifact(
                        f"{self._address.shown}: a record of {self._topic} stands at {found} instead of"
                        f" {offset}: somebody else writes there"
                    )

    def forget_filler(self) -> None:
        """Let logs begin behind their filler, where the broker can do that; readers pass over it."""
        starts = {TopicPartition(self._name, number): first for number, first in self._first.items() if first}
        if not starts or self._topic in COMPACTED_TOPICS:
            return
        with suppress(StreamrecError, KafkaError, AttributeError):
            admin = connect(self._address, KafkaAdminClient)
            try:
                admin.delete_records(starts)
            finally:
                close_soon(admin.close)


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


def open_copies(url: str) -> KafkaCopies:
    """Open the topics under a URL, through kafka-python, which writes to partitions of choice."""
    return KafkaCopies(parse_kafka_url(url.replace("kafka+confluent:", "kafka:", 1)))
