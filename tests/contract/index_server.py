"""The real index server as a process, for tests."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from faiss_server.following import Following
from faiss_server.generations import Generations
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.cli.launch.local_servers import free_port
from streamrec.ports import Snapshot
from streamrec.settings.processes import IndexSettings, LocationSettings
from streamrec.telemetry import NullMetrics

_START_S = 60.0


@contextmanager
def running_index_server(directory: Path, **settings: str) -> Iterator[str]:
    """Run the server over `directory`/artifacts and the logs beside it; give its URL."""
    address = f"127.0.0.1:{free_port()}"
    environment = os.environ | {
        "STREAMREC_ARTIFACTS_DIR": str(directory / "artifacts"),
        "STREAMREC_EVENTS_URL": f"sqlite:///{directory}/events.db",
        "STREAMREC_CHANGELOG_URL": f"sqlite:///{directory}/changelog.db",
        **settings,
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:faiss_server.gunicorn_settings", "-b", address]
    with (directory / "server.log").open("ab") as log:
        server = subprocess.Popen(command, env=environment, stderr=log, stdout=log)
    try:
        await_answer(f"http://{address}/health/live")
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(120)


@contextmanager
def followed_in_process(directory: Path) -> Iterator[Following]:
    """Follow `directory`/artifacts and the logs beside it in this process."""
    locations = LocationSettings(
        artifacts_dir=directory / "artifacts",
        events_url=f"sqlite:///{directory}/events.db",
        changelog_url=f"sqlite:///{directory}/changelog.db",
    )
    following = Following(locations, IndexSettings(), NullMetrics())
    try:
        yield following
    finally:
        following.close()


def serving(directory: Path, snapshots: Iterable[Snapshot]) -> Iterator[str]:
    """Give the URL of a server that has loaded these, one released after the other."""
    with running_index_server(directory) as url:
        for snapshot in snapshots:
            _release(directory, snapshot)
            await_generation(url, snapshot.generation)
        yield url


def in_process(directory: Path, snapshots: Iterable[Snapshot]) -> Iterator[Generations]:
    """Give the generations of a process that has loaded these, one released after the other."""
    with followed_in_process(directory) as following:
        for snapshot in snapshots:
            _release(directory, snapshot)
            await_loaded(following, snapshot.generation)
        yield following.generations


def _release(directory: Path, snapshot: Snapshot) -> None:
    write_snapshot(directory / "artifacts", snapshot)
    set_current(directory / "artifacts", snapshot.generation)


def await_loaded(following: Following, generation: str) -> None:
    """Return once `generation` is the current one."""
    deadline = time.monotonic() + _START_S
    while not any(one.name == generation for one in following.generations.served[:1]):
        assert time.monotonic() < deadline, f"{generation} was not loaded"
        time.sleep(0.05)


def await_answer(url: str) -> dict[str, object]:
    """Return the answer once it is a success."""
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                answer: dict[str, object] = msgspec.json.decode(response.read())
                return answer
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def await_generation(url: str, generation: str) -> None:
    """Return once the server answers from `generation`."""
    deadline = time.monotonic() + _START_S
    while await_answer(f"{url}/health/ready")["generation"] != generation:
        assert time.monotonic() < deadline, f"{generation} was not loaded"
        time.sleep(0.05)
