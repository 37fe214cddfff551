"""Absence, death and forgetting of a real broker, as readers and writers meet them."""

import gc
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from streamrec.adapters.kafka.commits import COMMIT_PATIENCE_S
from streamrec.adapters.kafka.topics import TOPICS
from streamrec.adapters.opening import open_event_sink, open_event_source
from streamrec.cli.launch.local_servers import KAFKA, LocalServer, free_port
from streamrec.errors import ConfigurationError, LogTruncated, Unavailable
from streamrec.ports import COMMANDS, INTERACTIONS, EventSink, EventSource, Message
from tests.conftest import running

SCHEMES = ["kafka", "kafka+confluent"]

MESSAGES = [Message(f"u{number}", str(number).encode()) for number in range(50)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LocalServer]:
    """A broker that the test may stop. It keeps its topics in memory."""
    yield from running(KAFKA, tmp_path)


@pytest.fixture(params=SCHEMES)
def ends(request: pytest.FixtureRequest, broker: LocalServer) -> Iterator[tuple[EventSink, EventSource]]:
    url = broker.url.replace("kafka:", f"{request.param}:")
    sink, source = open_event_sink(url), open_event_source(url, [COMMANDS, INTERACTIONS], "trainer")
    yield sink, source
    source.close()
    sink.close()


def read(source: EventSource, n: int) -> list[bytes | None]:
    values: list[bytes | None] = []
    while len(values) < n:
        values += [record.value for record in source.poll(100, 10.0)]
    return values


def until_raised(kind: type[Exception], call: Callable[[], object]) -> Exception:
    for _ in range(200):
        try:
            call()
        except kind as error:
            return error
    raise AssertionError(f"no {kind.__name__}")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_absent_broker_is_named_without_the_secret(scheme: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    url = f"{scheme}://me:s3cret@{address}?security_protocol=SASL_PLAINTEXT"
    for failure in all_failures(url):
        assert re.search(f"{address}.*refused", failure)
        assert "s3cret" not in failure


@pytest.mark.parametrize("advertised", ["broker.nowhere.invalid:9092", "127.0.0.1:9"])
def test_an_address_that_the_broker_sends_its_clients_to_is_named(advertised: str, tmp_path: Path) -> None:
    def arguments(port: int, _folder: Path) -> list[str]:
        listen = ["--listener-url", f"tcp://127.0.0.1:{port}"]
        return ["broker", "--silent", *listen, "--advertised-listener-url", f"tcp://{advertised}"]

    with contextmanager(running)(KAFKA._replace(arguments=arguments), tmp_path) as astray:
        for scheme in SCHEMES:
            url = astray.url.replace("kafka:", f"{scheme}:")
            for failure in all_failures(url):
                assert f"{url} answers, but sends its clients on to {advertised}, which" in failure
                assert "advertised.listeners" in failure


def all_failures(url: str) -> Iterator[str]:
    """Yield what each call of a sink and a source raises."""
    with (
        closing(open_event_sink(url)) as sink,
        closing(open_event_source(url, [INTERACTIONS], "trainer")) as source,
    ):
        for call in (
            lambda: sink.append(INTERACTIONS, MESSAGES),
            sink.check,
            lambda: source.seek({}),
            lambda: source.poll(10, 0.01),
            source.end_offsets,
            source.committed,
            lambda: source.commit({INTERACTIONS: {0: 1}}),
        ):
            with pytest.raises(Unavailable) as caught:
                call()
            yield str(caught.value)


def test_senders_do_not_queue_up_behind_a_broker_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        silent.setblocking(False)
        sink = open_event_sink(f"kafka://127.0.0.1:{silent.getsockname()[1]}")
        calls: list[Callable[[], object]] = [
            lambda: sink.append(INTERACTIONS, MESSAGES),
            lambda: sink.append(COMMANDS, MESSAGES),
            lambda: sink.mark(INTERACTIONS, MESSAGES[0]),
            sink.check,
        ]
        with ThreadPoolExecutor(12) as senders:
            failures = list(senders.map(failure_of, 3 * calls))
        sink.close()
        n_attempts = 0
        with suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                n_attempts += 1
    assert [type(failure) for failure in failures] == [Unavailable] * 12
    # Each attempt greets and connects; twelve in a row would be 24 connections, and take as long.
    assert 2 <= n_attempts <= 6


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_a_failed_send_leaves_behind_is_closed(broker: LocalServer, scheme: str) -> None:
    before = set(threading.enumerate())
    sink = open_event_sink(broker.url.replace("kafka:", f"{scheme}:"))
    sink.append(INTERACTIONS, MESSAGES)
    broker.freeze()
    try:
        with ThreadPoolExecutor(2) as senders:
            first = senders.submit(failure_of, lambda: sink.append(INTERACTIONS, MESSAGES))
            time.sleep(
                2.0
            )  # the second is still waiting when the first is given up, and the producer with it
            second = senders.submit(failure_of, lambda: sink.append(INTERACTIONS, MESSAGES))
            assert isinstance(first.result(), Unavailable)
            assert isinstance(second.result(), Unavailable)
    finally:
        broker.thaw()
    started = time.monotonic()
    sink.close()
    gc.collect()  # a finalizer that waits would hold up whichever thread comes upon it
    assert time.monotonic() - started < 5.0
    deadline = time.monotonic() + 120.0
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def failure_of(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except Unavailable as error:
        return error
    return None


def test_a_dead_broker_is_noticed_and_the_place_kept(
    ends: tuple[EventSink, EventSource], broker: LocalServer
) -> None:
    sink, source = ends
    sink.append(INTERACTIONS, MESSAGES)
    read(source, 50)
    place = source.next_offsets()
    broker.kill()
    error = until_raised(Unavailable, lambda: source.poll(10, 0.05))
    assert str(broker.port) in str(error)
    assert source.next_offsets() == place
    with pytest.raises(Unavailable):
        sink.check()


def test_a_broker_that_forgot_its_records_is_noticed_by_its_reader(
    ends: tuple[EventSink, EventSource], broker: LocalServer
) -> None:
    sink, source = ends
    sink.append(INTERACTIONS, MESSAGES)
    read(source, 50)
    place = source.next_offsets()
    broker.kill()
    broker.start()
    error = until_raised(LogTruncated, lambda: source.poll(10, 0.05))
    assert "'interactions'" in str(error)
    assert source.next_offsets() == place
    with pytest.raises(LogTruncated):
        source.poll(10, 0.05)
    source.seek({})
    assert set(source.next_offsets()[INTERACTIONS].values()) == {0}
    assert source.poll(10, 0.05) == []


def test_a_commit_on_a_broker_that_hangs_ends_soon_and_is_made_up_for(
    ends: tuple[EventSink, EventSource], broker: LocalServer
) -> None:
    sink, source = ends
    sink.append(COMMANDS, MESSAGES)
    read(source, 50)
    source.commit({COMMANDS: {0: 10}})
    broker.freeze()
    try:
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(Unavailable, match="commit is not acknowledged"):
                source.commit({COMMANDS: {0: 50}})
            assert (
                time.monotonic() - started < COMMIT_PATIENCE_S + 30.0
            )  # not for as long as the broker is away
    finally:
        broker.thaw()
    until_not_away(lambda: source.commit({COMMANDS: {0: 50}}), n_times=100)
    assert source.committed()[COMMANDS] == {0: 50}


def test_a_sender_gets_over_a_broker_that_forgot_it(broker: LocalServer) -> None:
    sink, source = open_event_sink(broker.url), open_event_source(broker.url, [INTERACTIONS], "trainer")
    sink.append(INTERACTIONS, MESSAGES)
    broker.kill()
    broker.start()
    try:
        sink.append(INTERACTIONS, MESSAGES[:7])
    except Unavailable:  # it met what was left of the old connection
        sink.append(INTERACTIONS, MESSAGES[:7])
    assert set(read(source, 7)) >= {str(number).encode() for number in range(7)}
    source.close()
    sink.close()


def test_a_restart_goes_on_where_the_checkpoint_says_or_says_why_not(
    ends: tuple[EventSink, EventSource], broker: LocalServer
) -> None:
    sink, source = ends
    sink.append(COMMANDS, MESSAGES)
    source.seek({COMMANDS: {0: 48}})
    assert read(source, 2) == [b"48", b"49"]
    broker.kill()
    broker.start()
    with pytest.raises(LogTruncated, match="ends at offset 0"):
        until_not_away(lambda: source.seek({COMMANDS: {0: 48}}))


def until_not_away(call: Callable[[], object], n_times: int = 5) -> None:
    for _ in range(n_times):
        try:
            call()
        except Unavailable:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("it stayed away")


@pytest.mark.nightly  # it takes a request's timeout
def test_reading_goes_on_by_itself_when_a_hanging_broker_is_back(broker: LocalServer) -> None:
    sink, source = open_event_sink(broker.url), open_event_source(broker.url, [INTERACTIONS], "trainer")
    sink.append(INTERACTIONS, MESSAGES)
    read(source, 50)
    broker.freeze()
    try:
        until_raised(Unavailable, lambda: source.poll(10, 0.05))
    finally:
        broker.thaw()
    open_and_append(broker.url)
    assert len(read(source, 50)) == 50
    source.close()
    sink.close()


def open_and_append(url: str) -> None:
    sink = open_event_sink(url)
    sink.append(INTERACTIONS, MESSAGES)
    sink.close()


def test_topics_that_were_made_anew_are_read_with_their_new_partitions(kafka_url: str) -> None:
    prefix = kafka_url.rpartition("/")[2]
    one, many = f"{kafka_url}?partitions=1", f"{kafka_url}?partitions=3"
    sink, source = open_event_sink(many), open_event_source(one, [INTERACTIONS], "trainer")
    assert source.poll(10, 0.01) == []
    assert source.next_offsets() == {INTERACTIONS: {0: 0}}
    servers = kafka_url.removeprefix("kafka://").partition("/")[0]
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.delete_topics([prefix + topic for topic in TOPICS])
    admin.close()
    sink.append(COMMANDS, MESSAGES)  # makes the topics
    until_not_away(lambda: poll_until_there_are(source, 3))
    sink.append(INTERACTIONS, MESSAGES)
    assert len(read(source, 50)) == 50
    assert all(source.next_offsets()[INTERACTIONS].values())
    source.close()
    sink.close()


def test_secrets_stay_out_of_the_drivers_logs(broker: LocalServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"kafka://me:s3cret@127.0.0.1:{broker.port}?security_protocol=SASL_PLAINTEXT"
    sink = open_event_sink(url)
    with pytest.raises(ConfigurationError, match="refuses: UnsupportedSaslMechanism") as caught:
        sink.check()
    sink.close()
    assert len(caplog.text) > 1000
    assert "s3cret" not in caplog.text + str(caught.value)


def poll_until_there_are(source: EventSource, n_partitions: int) -> None:
    while len(source.next_offsets()[INTERACTIONS]) < n_partitions:
        source.poll(10, 0.05)


@pytest.mark.skipif(
    "KAFKA_BOOTSTRAP" not in os.environ, reason="only Apache Kafka deletes records on request"
)
def test_records_deleted_by_retention_are_told_by_apache_kafka(kafka_url: str) -> None:
    from kafka import TopicPartition

    sink, source = open_event_sink(kafka_url), open_event_source(kafka_url, [COMMANDS], "trainer")
    sink.append(COMMANDS, MESSAGES)
    admin = KafkaAdminClient(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP"])
    admin.delete_records({TopicPartition(kafka_url.rpartition("/")[2] + COMMANDS, 0): 20})
    with pytest.raises(LogTruncated, match="its retention deleted 15 unread records"):
        source.seek({COMMANDS: {0: 5}})
    source.seek({})
    assert read(source, 30)[0] == b"20"
    admin.close()
    source.close()
    sink.close()
