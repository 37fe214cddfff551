"""Real servers for the tests, out of wheels, started once a test process on free ports; and a certificate."""

import itertools
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import kafka
import pymongo
import pytest
import redis
from hypothesis import HealthCheck, settings

from streamrec.cli.launch.local_servers import KAFKA, MONGODB, REDIS, LocalServer, ServerKind
from streamrec.log_limits import forget_warnings

# No example has a deadline: how long one takes says what else the machine had to do. A change is judged by
# the same examples each time; every night looks at others, and what it finds is not the last change's fault.
settings.register_profile(
    "shared machine",
    deadline=None,
    derandomize=os.environ.get("STREAMREC_NEW_EXAMPLES") != "1",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("shared machine")

NIGHTLY_TIMEOUT_S = 4 * 3600
"""Of nightly tests that name none: minutes on a quiet machine may be an hour on a busy one."""

REQUIRED = os.environ.get("STREAMREC_REQUIRE_SERVERS") == "1"
"""Set where a missing server must be a failure, and no reason to skip."""

_numbers = itertools.count()


def running(kind: ServerKind, folder: Path) -> Iterator[LocalServer]:
    """Give a server for as long as it is wanted; skip, or fail, where it can't run."""
    why_not = kind.why_not()
    if why_not is not None:
        (pytest.fail if REQUIRED else pytest.skip)(why_not)
    server = LocalServer(kind, folder).start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine, signed by itself; its key stands in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    command += " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    return both


@pytest.fixture(autouse=True)
def fresh_warnings() -> None:
    """Let each test see the first warning of a kind."""
    forget_warnings()


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A broker that no test may stop."""
    yield from running(KAFKA, tmp_path_factory.mktemp("kafka"))


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A document store that no test may stop."""
    yield from running(MONGODB, tmp_path_factory.mktemp("mongodb"))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A cache that no test may stop."""
    yield from running(REDIS, tmp_path_factory.mktemp("redis"))


@pytest.fixture
def kafka_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Topics of the test's own, on the broker that `KAFKA_BOOTSTRAP` names or on ours."""
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
    url = f"kafka://{bootstrap}" if bootstrap else request.getfixturevalue("kafka_server").url
    prefix = f"test-{os.getpid()}-{time.time_ns()}-{next(_numbers)}."
    yield f"{url}/{prefix}"
    if bootstrap:
        delete_topics(bootstrap, prefix)


def delete_topics(bootstrap: str, prefix: str) -> None:
    """Leave nothing behind on a broker that is not ours."""
    with kafka.KafkaAdminClient(bootstrap_servers=bootstrap.split(",")) as admin:
        topics = [topic for topic in admin.list_topics() if topic.startswith(prefix)]
        if topics:
            admin.delete_topics(topics)


@pytest.fixture
def mongo_url(mongo_server: LocalServer) -> Iterator[str]:
    """A database of the test's own."""
    database = f"test-{next(_numbers)}"
    yield f"{mongo_server.url}/{database}"
    with pymongo.MongoClient[dict[str, object]](mongo_server.url) as client:
        client.drop_database(database)


@pytest.fixture
def redis_url(redis_server: LocalServer) -> str:
    """An empty cache."""
    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
    return f"{redis_server.url}/0"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give nightly tests time."""
    for item in items:
        if item.get_closest_marker("nightly") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(NIGHTLY_TIMEOUT_S))
