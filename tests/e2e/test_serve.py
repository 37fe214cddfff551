"""`serve` in a folder with nothing: it learns from the first event, and each part of it is killed.

One system for the tests here, in the order in which they stand; the last of them ends it.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.service_call import Service
from streamrec.cli.supervision.control import Order, control_path, ordered
from streamrec.errors import ConfigurationError
from tests.e2e.processes import ROOT, Process, answer_of, eventually, python

# Whoever comes first compiles what all others find.
pytestmark = pytest.mark.timeout(1200)

KEY = "only-for-tests"
CONFIGURATION = """
[weights]
"rating<=2" = -1

[serve]
port = {port}
index_port = {index_port}
log_dir = "the logs"
keys_file = "keys.txt"
"""


class Served:
    """The command in a folder of its own, and a client of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "100% d"
        self.folder.mkdir()
        self.ports = (free_port(), free_port())
        port, index_port = self.ports
        (self.folder / "streamrec.toml").write_text(CONFIGURATION.format(port=port, index_port=index_port))
        (self.folder / "keys.txt").write_text(f"# of the tests\n{KEY}\n")
        self.process = Process(self.folder, "serve", python("-m", "streamrec", "serve"), {})
        self.recommender = Service(f"http://127.0.0.1:{port}", KEY)
        self.n_sent = 0

    def pids(self) -> dict[str, int]:
        parts = ordered(self.folder / control_path(self.ports[0]), Order("status"))
        return {part.name: part.pid for part in parts}

    def send(self, user_id: str, *item_ids: str) -> None:
        events = [{"user_id": user_id, "item_id": item_id} for item_id in item_ids]
        assert self.recommender.call("POST", "/v1/events", events)["accepted"] == len(events)
        self.n_sent += len(events)

    def n_learned(self) -> float:
        status = answer_of(self.recommender, "/v1/status")
        trainer = status["trainer"] if isinstance(status, dict) else None
        return float(trainer["numbers"]["n_events"]) if trainer else -1.0

    def is_whole_for(self, user_id: str) -> bool:
        answer: Any = answer_of(self.recommender, f"/v1/recommendations?user_id={user_id}&k=5")
        return isinstance(answer, dict) and answer["based_on"] == "user_id" and not answer["degraded"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("serve"))
    served.process.start()
    try:
        served.process.wait_for_words("Ready after")
        yield served
    finally:
        served.process.end()


def test_it_begins_with_nothing_and_learns_from_the_first_event(served: Served) -> None:
    before = served.recommender.get("/v1/recommendations?user_id=a&k=5")
    assert (before["based_on"], before["items"]) == ("popular_items", [])
    for user_id in "abcdefgh":
        served.send(user_id, "1", "2", f"of {user_id}")
    eventually(lambda: served.is_whole_for("a"))
    eventually(lambda: served.n_learned() == served.n_sent)
    offered = served.recommender.get("/v1/recommendations?user_id=a&k=5")["items"]
    assert offered
    assert "1" not in {item["item_id"] for item in offered}
    with pytest.raises(ConfigurationError, match="401"):
        Service(served.recommender.url).get("/v1/popular")


def test_each_part_that_is_killed_comes_back_and_nothing_is_lost(served: Served) -> None:
    eventually(lambda: served.pids()["first-model"] == 0)  # it is done before, and takes a moment to end
    before = served.pids()
    del before["first-model"]
    served.send("before", "1", "2")
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: all(served.pids()[name] not in (0, pid) for name, pid in before.items()))
    eventually(lambda: served.is_whole_for("before"))
    served.send("after", "1", "2")
    eventually(lambda: served.is_whole_for("after"))
    eventually(lambda: served.n_learned() == served.n_sent)
    assert "it is started again in" in (served.folder / "the logs" / "supervisor.log").read_text()


def test_a_second_one_in_the_same_folder_or_on_its_ports_is_refused_with_a_line(served: Served) -> None:
    other = [f"--port={free_port()}", f"--index-port={free_port()}"]
    for options, words in ((other, "another one works in"), ([], "--index-port")):
        refused = subprocess.run(
            python("-m", "streamrec", "serve", *options),
            cwd=served.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode == 2
        assert words in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


def test_serve_that_is_killed_leaves_no_process_behind(served: Served) -> None:
    started = psutil.Process(served.process.running.pid).children(recursive=True)
    assert len(started) >= 6  # four parts, and two workers
    served.process.end(signal.SIGKILL)
    assert not psutil.wait_procs(started, timeout=300)[1]
    for port in served.ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_it_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    options = [f"--port={free_port()}", "--without=index", "--without=trainer", "--without=recommender"]
    serve = Process(tmp_path, "serve", python("-m", "streamrec", "serve", *options), {}).start()
    try:
        serve.wait_for_words("history starts")
        serve.running.send_signal(number)
        assert serve.exit_code() == 0
        assert serve.said().rstrip().endswith("Stopped.")
        assert "Traceback" not in serve.said()
        assert not list((tmp_path / "var").glob("*.sock"))
    finally:
        serve.end()
