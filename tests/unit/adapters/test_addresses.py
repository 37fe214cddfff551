"""IPv6 addresses in every URL, and ports that there are not."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.opening import (
    open_cache,
    open_cache_publisher,
    open_event_sink,
    open_event_source,
    open_index,
    open_index_lookup,
    open_store,
)
from streamrec.adapters.statsd.metrics import open_metrics
from streamrec.cli.doctor.probes import probe_statsd
from streamrec.cli.launch.local_servers import KAFKA, MONGODB, REDIS
from streamrec.domain.items.item import Item
from streamrec.errors import ConfigurationError, Unavailable
from streamrec.ports import INTERACTIONS, ById, Message
from tests.conftest import running


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.fixture
def kafka_url(tmp_path: Path) -> Iterator[str]:
    """A broker that listens on IPv6 as well. It would advertise a bare address with its brackets."""

    def arguments(port: int, _folder: Path) -> list[str]:
        return [
            "broker", "--silent",
            "--listener-url", f"tcp://[::]:{port}", "--advertised-listener-url", f"tcp://localhost:{port}",
        ]  # fmt: skip

    for server in running(KAFKA._replace(arguments=arguments), tmp_path):
        yield f"kafka://[::1]:{server.port}"


@needs_ipv6
@pytest.mark.parametrize("scheme", ["kafka", "kafka+confluent"])
def test_kafka(scheme: str, kafka_url: str) -> None:
    url = kafka_url.replace("kafka:", f"{scheme}:")
    with (
        closing(open_event_sink(url)) as sink,
        closing(open_event_source(url, [INTERACTIONS], "trainer")) as source,
    ):
        sink.append(INTERACTIONS, [Message("u", b"x")])
        assert [record.value for record in source.poll(10, 20.0)] == [b"x"]
        source.commit(source.next_offsets())


@needs_ipv6
async def test_redis(tmp_path: Path) -> None:
    def arguments(port: int, folder: Path) -> list[str]:
        return [*REDIS.arguments(port, folder), "--bind", "127.0.0.1", "::1"]

    for server in running(REDIS._replace(arguments=arguments), tmp_path):
        url = f"redis://[::1]:{server.port}/0"
        cache = open_cache(url)
        await cache.put_items([Item("a")])
        assert await cache.get_items(["a"]) == {"a": Item("a")}
        await cache.aclose()
        with closing(open_cache_publisher(url)) as publisher:
            publisher.publish_counters({"n": 1.0})


@needs_ipv6
async def test_mongodb(tmp_path: Path) -> None:
    def arguments(port: int, folder: Path) -> list[str]:
        usual = ["127.0.0.1,::1" if word == "127.0.0.1" else word for word in MONGODB.arguments(port, folder)]
        return [*usual, "--ipv6"]

    for server in running(MONGODB._replace(arguments=arguments), tmp_path):
        store = open_store(f"mongodb://[::1]:{server.port}")
        await store.put_items([Item("a")])
        assert await store.get_items(["a"]) == {"a": Item("a")}
        await store.aclose()


@needs_ipv6
def test_statsd() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("::1", 0))
        statsd.settimeout(10.0)
        probe_statsd(f"statsd://[::1]:{statsd.getsockname()[1]}")
        assert b"doctor.probes" in statsd.recv(1000)


@needs_ipv6
def test_the_index() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        url = f"http://[::1]:{server.getsockname()[1]}"
        server.settimeout(10.0)
        lookup = open_index_lookup(url, 0.5)
        with pytest.raises(Unavailable):
            lookup.search(ById("a", 1))
        connection, _ = server.accept()
        with connection:
            assert f"Host: [::1]:{server.getsockname()[1]}".encode() in connection.recv(4000)
        lookup.close()


@pytest.mark.parametrize("port", ["65536", "99999", "-1", "x"])
def test_a_port_that_there_is_not_is_refused_at_once(port: str) -> None:
    for opener, url in (
        (open_event_sink, f"kafka://host:{port}"),
        (open_event_sink, f"kafka+confluent://host:{port}"),
        (open_store, f"mongodb://host:{port}"),
        (open_cache, f"redis://host:{port}/0"),
        (open_cache_publisher, f"redis://host:{port}/0"),
        (open_metrics, f"statsd://host:{port}"),
    ):
        with pytest.raises(ConfigurationError, match="host"):
            opener(url)
    with pytest.raises(ConfigurationError, match="host"):
        open_index(f"http://host:{port}", 1.0)
