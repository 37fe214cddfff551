"""The literal commands of the stores in docker-compose.yml, with the programs that their wheels hold."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymongo
import pytest
import redis

from streamrec.cli.launch.local_servers import MONGODB, REDIS, ServerKind, is_listening
from tests.deploy.compose_file import services
from tests.deploy.container import why_not
from tests.deploy.own_network import OwnNetwork

PATIENCE_S = 120.0


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End a process, however that comes about."""
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@contextmanager
def running(kind: ServerKind, service: dict[str, Any], port: int, folder: Path) -> Iterator[None]:
    """Run a service's own command while entered, in a network of its own."""
    for reason in filter(None, (why_not(), kind.why_not())):
        (pytest.fail if os.environ.get("STREAMREC_REQUIRE_SERVERS") == "1" else pytest.skip)(reason)
    program = kind.command(port, folder)[0]
    folder_of = {"mongodb": ["--dbpath", str(folder)], "redis": ["--dir", str(folder)]}[kind.name]
    with OwnNetwork(), (folder / "log").open("wb") as log:
        command = [program, *service["command"][1:], *folder_of]
        with ending(subprocess.Popen(command, stdout=log, stderr=log)) as process:
            deadline = time.monotonic() + PATIENCE_S
            while not is_listening(port):
                assert time.monotonic() < deadline, (folder / "log").read_text()
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
            yield


def is_healthy(service: dict[str, Any]) -> bool:
    """Run a health check that is a line for the shell."""
    kind, line = service["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **service["environment"], "PATH": path}
    return (
        subprocess.run(["sh", "-c", line], env=environment, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.parametrize("password", ["", "a1b2"])
def test_redis_asks_for_a_password_where_one_is_set(password: str, tmp_path: Path) -> None:
    if shutil.which("redis-cli", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("no redis-cli here")
    service = services({"REDIS_PASSWORD": password})["redis"]
    assert not is_healthy(service)
    with running(REDIS, service, 6379, tmp_path):
        assert is_healthy(service)
        with redis.Redis(password=password or None) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lfu"}
            assert client.config_get("save") == {"save": ""}
        if password:
            assert not is_healthy(services()["redis"])
            with redis.Redis() as server, pytest.raises(redis.AuthenticationError):
                server.ping()


def test_mongodb_starts_as_the_compose_file_has_it(tmp_path: Path) -> None:
    with (
        running(MONGODB, services()["mongo"], 27017, tmp_path),
        pymongo.MongoClient[dict[str, Any]](serverSelectionTimeoutMS=10_000) as client,
    ):
        # What its health check asks.
        assert client.admin.command("ping")["ok"] == 1
        options = client.admin.command("getCmdLineOpts")["parsed"]
        assert options["storage"]["wiredTiger"]["engineConfig"]["cacheSizeGB"] == 0.5
