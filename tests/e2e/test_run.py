"""What a newcomer does: run everything, stop it with Ctrl-C, run it again."""

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streamrec.adapters.opening import open_cache
from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.service_call import Service
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic

ROOT = Path(__file__).parents[2]
N_EVENTS = 6_000
N_STREAMED = N_EVENTS // 2


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with events, and nothing of the repository."""
    folder = tmp_path / "100% d"  # a path that a format, or a shell, would take apart
    folder.mkdir()
    write_synthetic(SyntheticStream(N_EVENTS, n_users=150, n_items=300), folder / "clicks.csv")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("INDEX_PORT", str(free_port()))
    monkeypatch.setenv("RECOMMENDER_PORT", str(free_port()))
    return folder


class Launcher:
    """The command, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], said: Path) -> None:
        self.process = process
        self._said = said

    def said(self) -> str:
        return self._said.read_text("utf-8", "replace")

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 120.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def wait_for_words(self, words: str) -> None:
        self.wait_for(lambda: words in self.said())


@contextmanager
def launched(project: Path, *options: str) -> Iterator[Launcher]:
    command = [sys.executable, "-m", "streamrec", "run", "--events", "clicks.csv", *options]
    with (project / "said.txt").open("wb") as said:
        process = subprocess.Popen(command, cwd=project, stdout=said, stderr=said)
    try:
        yield Launcher(process, project / "said.txt")
    finally:
        if process.poll() is None:
            process.terminate()  # it takes its services with it
        process.wait(90)


def stop(launcher: Launcher, number: signal.Signals) -> None:
    launcher.process.send_signal(number)
    assert launcher.process.wait(90) == 0, launcher.said()
    assert "Traceback" not in launcher.said()
    assert launcher.said().rstrip().endswith("Stopped.")
    for variable in ("INDEX_PORT", "RECOMMENDER_PORT"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(os.environ[variable])))


def counters(project: Path) -> dict[str, float]:
    async def read() -> dict[str, float]:
        cache = open_cache(f"sqlite:///{project}/var/cache.db")
        try:
            return await cache.counters()
        finally:
            await cache.aclose()

    return asyncio.run(read())


def test_run_stop_and_run_again(project: Path) -> None:
    with launched(project, "--rate", "100") as launcher:
        launcher.wait_for_words("First personalized answer")
        launcher.wait_for_words("user_id=me")
        service = Service(f"http://127.0.0.1:{os.environ['RECOMMENDER_PORT']}")
        commands = [shlex.split(line) for line in launcher.said().splitlines() if line.startswith("  curl ")]
        assert len(commands) >= 4
        for _curl, url, *options in commands:
            method, body = ("POST", options[-1]) if options else ("GET", None)
            answer = service.call(method, url.removeprefix(service.url), json.loads(body) if body else None)
            assert answer.get("items") or answer.get("accepted") == 1
        launcher.wait_for(lambda: counters(project).get("n_events", 0) >= 100)
        stop(launcher, signal.SIGINT)
    n_before = counters(project)["n_events"]
    assert 100 <= n_before < N_STREAMED

    with launched(project, "--rate", "5000") as launcher:
        launcher.wait_for_words("All events were replayed")
        assert "Training" not in launcher.said()  # the model is there
        launcher.wait_for(lambda: counters(project)["n_events"] >= N_STREAMED + 1)
        stop(launcher, signal.SIGTERM)
    # Each event of the second half, and the one of ours: none lost, none twice.
    assert counters(project)["n_events"] == N_STREAMED + 1


def test_a_port_that_is_taken_is_said_before_anything_else(project: Path) -> None:
    with socket.create_server(("127.0.0.1", int(os.environ["INDEX_PORT"]))):
        with launched(project) as launcher:
            assert launcher.process.wait(60) == 2
        assert re.search(
            r"port \d+ of the index server .*INDEX_PORT=\d+ python -m streamrec run", launcher.said()
        )
    assert not (project / "var").exists()


def test_a_service_that_dies_ends_the_replay_and_is_shown_with_its_last_words(project: Path) -> None:
    procfile = (ROOT / "Procfile").read_text()
    extra = "extra: until [ -e noon ]; do sleep 0.1; done; echo out of coffee; exit 4\n"
    (project / "our processes").write_text(procfile + extra)
    with launched(project, "--rate", "1", "--procfile", "our processes") as launcher:
        launcher.wait_for_words("First personalized answer")
        (project / "noon").touch()
        assert launcher.process.wait(120) == 1
        assert "out of coffee" in launcher.said()
        assert "services.log" in launcher.said()
        assert "Traceback" not in launcher.said()
