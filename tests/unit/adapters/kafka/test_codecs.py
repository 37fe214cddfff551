"""Records as other producers write them: compressed, and within transactions."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from confluent_kafka import Producer
from kafka import KafkaProducer
from structlog.testing import capture_logs

from streamrec.adapters.opening import open_event_sink, open_event_source
from streamrec.errors import Unavailable
from streamrec.ports import INTERACTIONS, EventSource, Message, Record, n_between
from tests.kafka_batches import batch, send_raw, spoiled

SCHEMES = ["kafka", "kafka+confluent"]
CODECS = ["gzip", "lz4", "snappy", "zstd"]

N_LARGE = 8000
"""Events of a batch: 1.6 MB, more than some codecs unpack unless asked to."""


def servers_of(url: str) -> str:
    return url.removeprefix("kafka://").partition("/")[0]


def topic_of(url: str) -> str:
    return url.rpartition("/")[2] + INTERACTIONS


def values(codec: str, by: str, n: int) -> list[bytes]:
    return [
        json.dumps({"user_id": "z", "item_id": f"{codec}-{by}-{i}", "pad": "x" * 150}).encode()
        for i in range(n)
    ]


def send_with_kafka_python(url: str, codec: str, payloads: list[bytes]) -> None:
    producer = KafkaProducer(
        bootstrap_servers=servers_of(url), compression_type=codec, linger_ms=200, batch_size=4_000_000
    )
    for sent in [producer.send(topic_of(url), payload, b"z") for payload in payloads]:
        sent.get(timeout=30)
    producer.close(timeout=1)


def send_with_confluent(url: str, codec: str, payloads: list[bytes]) -> None:
    settings = {
        "compression.type": codec,
        "linger.ms": 200,
        "batch.size": 4_000_000,
        "batch.num.messages": 10_000,
    }
    producer = Producer({"bootstrap.servers": servers_of(url), "message.max.bytes": 4_000_000, **settings})
    for payload in payloads:
        producer.produce(topic_of(url), payload, b"z")
    assert producer.flush(30) == 0


SENDERS = {"kafka-python": send_with_kafka_python, "confluent": send_with_confluent}


@pytest.fixture
def damaged() -> list[int]:
    """Numbers of damaged batches that the source told."""
    return []


@pytest.fixture(params=SCHEMES)
def source(request: pytest.FixtureRequest, kafka_url: str, damaged: list[int]) -> Iterator[EventSource]:
    url = kafka_url.replace("kafka:", f"{request.param}:") + "?partitions=1"
    with closing(open_event_sink(url)) as sink:
        sink.append(INTERACTIONS, [])
        with closing(
            open_event_source(url, [INTERACTIONS], "trainer", count_damaged=damaged.append)
        ) as source:
            source.seek({})
            yield source


def read(source: EventSource, n: int, timeout_s: float = 60.0) -> list[bytes | None]:
    found: list[bytes | None] = []
    deadline = time.monotonic() + timeout_s
    while len(found) < n and time.monotonic() < deadline:
        # As the loops do: a busy broker may be slow to answer one of the questions.
        with suppress(Unavailable):
            found += [record.value for record in source.poll(5000, 1.0)]
    return found


@pytest.mark.parametrize("by", SENDERS)
def test_what_others_compressed_is_read_wholly(source: EventSource, kafka_url: str, by: str) -> None:
    sent = []
    for codec in CODECS:
        sent += (payloads := values(codec, by, 20))
        SENDERS[by](kafka_url, codec, payloads)
    assert sorted(read(source, len(sent))) == sorted(sent)  # type: ignore[type-var]
    assert n_between(source.next_offsets(), source.end_offsets()) == 0


def test_a_batch_larger_than_a_codec_unpacks_by_default_is_read(source: EventSource, kafka_url: str) -> None:
    sent = []
    for codec in CODECS:
        sent += (payloads := values(codec, "large", N_LARGE))
        send_with_confluent(kafka_url, codec, payloads)
    assert set(read(source, len(sent))) == set(sent)


def transactional(url: str) -> Producer:
    producer = Producer({"bootstrap.servers": servers_of(url), "transactional.id": topic_of(url)})
    producer.init_transactions(30)
    return producer


def send_within(producer: Producer, url: str, *payloads: bytes) -> None:
    producer.begin_transaction()
    for payload in payloads:
        producer.produce(topic_of(url), payload, b"z")
    assert producer.flush(30) == 0


def until_caught_up(source: EventSource) -> list[bytes | None]:
    """Read until the source says that nothing is left."""
    found: list[bytes | None] = []
    deadline = time.monotonic() + 30.0
    while True:
        found += [record.value for record in source.poll(100, 0.1)]
        if n_between(source.next_offsets(), source.end_offsets()) == 0:
            return found
        assert time.monotonic() < deadline, (source.next_offsets(), source.end_offsets())


def test_an_open_transaction_is_neither_read_nor_waited_for(source: EventSource, kafka_url: str) -> None:
    producer = transactional(kafka_url)
    send_within(producer, kafka_url, b"one", b"two")
    producer.commit_transaction(30)
    # The transaction's end stands in the log, too; it is no record, and nobody is behind for its sake.
    assert until_caught_up(source) == [b"one", b"two"]
    send_within(producer, kafka_url, b"three")
    assert until_caught_up(source) == []
    with closing(open_event_sink(kafka_url + "?partitions=1")) as sink:
        sink.append(INTERACTIONS, [Message("z", b"behind it")])
    assert until_caught_up(source) == []
    producer.commit_transaction(30)
    assert read(source, 2) == [b"three", b"behind it"]
    assert until_caught_up(source) == []


@pytest.mark.skipif(
    "KAFKA_BOOTSTRAP" not in os.environ, reason="only Apache Kafka tells which transactions were aborted"
)
def test_what_a_transaction_took_back_is_no_record(source: EventSource, kafka_url: str) -> None:
    producer = transactional(kafka_url)
    send_within(producer, kafka_url, b"never", b"ever")
    producer.abort_transaction(30)
    send_within(producer, kafka_url, b"kept")
    producer.commit_transaction(30)
    send_within(producer, kafka_url, b"not this either")
    producer.abort_transaction(30)
    assert until_caught_up(source) == [b"kept"]


@pytest.mark.skipif("KAFKA_BOOTSTRAP" in os.environ, reason="Apache Kafka takes no batch that is damaged")
@pytest.mark.parametrize("codec", ["none", *CODECS])
def test_a_batch_that_cannot_be_unpacked_costs_itself_alone(
    source: EventSource, kafka_url: str, damaged: list[int], codec: str
) -> None:
    servers, topic = servers_of(kafka_url), topic_of(kafka_url)
    whole = [f"whole {number}".encode() * 9 for number in range(3)]
    send_raw(servers, topic, batch(whole[:2], codec))
    for _ in range(2):
        # What is not even compressed is told by its checksum alone.
        send_raw(servers, topic, spoiled(batch([b"lost"] * 5, codec), is_noticed=codec == "none"))
    send_raw(servers, topic, batch(whole[2:], codec))
    with capture_logs() as lines:
        assert read(source, 3) == whole
    assert n_between(source.next_offsets(), source.end_offsets()) == 0
    damages = [line for line in lines if line["event"] == "batch_damaged"]
    assert sum(damaged) == 2
    assert (damages[0]["offset"], damages[0]["n_offsets"]) == (2, 5)
    assert source.next_offsets() == {INTERACTIONS: {0: 13}}


def test_records_without_key_value_or_content_are_read(source: EventSource, kafka_url: str) -> None:
    send_raw(servers_of(kafka_url), topic_of(kafka_url), batch([None, b"", b"x", None]))
    records: list[Record] = []
    deadline = time.monotonic() + 30.0
    while len(records) < 4 and time.monotonic() < deadline:
        records += source.poll(10, 1.0)
    assert [record.value or b"" for record in records] == [b"", b"", b"x", b""]
    assert {record.key for record in records} == {""}
