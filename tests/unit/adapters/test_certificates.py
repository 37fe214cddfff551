"""MongoDB and Redis over TLS, whose certificate somebody vouches for or nobody."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.opening import open_cache, open_cache_publisher, open_trainer_store
from streamrec.cli.launch.local_servers import LocalServer, free_port
from streamrec.errors import ConfigurationError
from tests.unit.adapters.kafka.test_security import Relay


@pytest.fixture
def redis_over_tls(redis_server: LocalServer, certificate: Path) -> Iterator[str]:
    port = free_port()
    relay = Relay(certificate, port, redis_server.port)
    yield f"rediss://127.0.0.1:{port}/0"
    relay.close()


@pytest.fixture
def mongodb_over_tls(mongo_server: LocalServer, certificate: Path) -> Iterator[str]:
    port = free_port()
    relay = Relay(certificate, port, mongo_server.port)
    yield f"mongodb://127.0.0.1:{port}/certificates?tls=true"
    relay.close()


async def test_redis(redis_over_tls: str, certificate: Path) -> None:
    cache = open_cache(redis_over_tls)
    with pytest.raises(ConfigurationError, match="STREAMREC_CACHE_URL .* is not trusted .* ssl_ca_certs"):
        await cache.check()
    await cache.aclose()
    with closing(open_cache_publisher(f"{redis_over_tls}?ssl_ca_certs={certificate}")) as publisher:
        publisher.publish_counters({"n": 1.0})


def test_mongodb(mongodb_over_tls: str, certificate: Path) -> None:
    with (
        closing(open_trainer_store(mongodb_over_tls)) as store,
        pytest.raises(ConfigurationError, match="STREAMREC_STORE_URL .* is not trusted .* tlsCAFile"),
    ):
        store.acquire("certificates", "one", 1.0, 0.0)
    with closing(open_trainer_store(f"{mongodb_over_tls}&tlsCAFile={certificate}")) as store:
        assert store.acquire("certificates", "one", 1.0, 0.0) is not None
