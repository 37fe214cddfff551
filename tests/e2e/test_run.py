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
DEMO = ("--hold-out", ".5", "--replay")


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

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 600.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def wait_for_words(self, words: str) -> None:
        self.wait_for(lambda: words in self.said())


@contextmanager
def launched(project: Path, *options: str, events: str | None = "clicks.csv") -> Iterator[Launcher]:
    chosen = [] if events is None else ["--events", events]
    command = [sys.executable, "-m", "streamrec", "run", *chosen, *options]
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
    with launched(project, *DEMO, "--rate", "100") as launcher:
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

    with launched(project, *DEMO, "--rate", "5000") as launcher:
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


def test_a_setting_that_lets_a_service_not_start_is_shown_with_its_last_words(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMREC_SERVER_TIMEOUT_S", "-1")
    with launched(project, *DEMO, "--rate", "1") as launcher:
        assert launcher.process.wait(600) == 1
        assert "STREAMREC_SERVER_TIMEOUT_S" in launcher.said()
        assert "services.log" in launcher.said()
        assert "Traceback" not in launcher.said()


def test_own_files_are_served_by_two_commands(project: Path) -> None:
    rows = "".join(
        f"k{n % 40};w{n * n % 29};{'Kauf' if n % 3 else 'Ansicht'};{1 + n % 28:02d}.01.2024 10:{n % 60:02d}\n"
        for n in range(1500)
    )
    (project / "kunden.csv").write_bytes(("Kunde;Artikel;Aktion;Zeit\n" + rows).encode("cp1252"))
    goods = "".join(f"w{n};Größe {n};Büro;{n},5;{'ja' if n == 3 else 'nein'}\n" for n in range(30))
    (project / "waren.csv").write_bytes(
        ("Artikel;Bezeichnung;Kategorie;Preis;hidden\n" + goods).encode("cp1252")
    )
    streamrec = [sys.executable, "-m", "streamrec"]
    subprocess.run([*streamrec, "init", "kunden.csv", "waren.csv"], cwd=project, check=True)
    with launched(project, events=None) as launcher:
        launcher.wait_for_words("user_id=me")
        said = launcher.said()
        assert said.count("Reading") == 1
        assert said.index("Loading items") < said.index("Training") < said.index("Publishing")
        service = Service(f"http://127.0.0.1:{os.environ['RECOMMENDER_PORT']}")
        # All of the users and items are known, and what they chose counts by what it is.
        items = service.get("/v1/recommendations?user_id=k7&k=30&exclude_seen=false")["items"]
        assert {item["categories"][0] for item in items} == {"Büro"}
        assert "w3" not in {item["item_id"] for item in items}
        assert service.get("/v1/items/w4")["attributes"] == {"Preis": 4.5}
        assert service.get("/v1/popular?k=5&category=B%C3%BCro")["items"]
        refused = subprocess.run([*streamrec, "clean-data"], cwd=project, capture_output=True, check=False)
        assert refused.returncode == 2
        stop(launcher, signal.SIGINT)
    with launched(project) as launcher:  # another file over the same folder
        assert launcher.process.wait(120) == 1
        assert "holds what was learned of kunden-" in launcher.said()
        assert "Stopped" not in launcher.said()
    subprocess.run([*streamrec, "clean-data"], cwd=project, check=True)
    assert not (project / "var" / "artifacts").exists()
