"""Two generations learn the same stream, and change places under load: nobody notices but the lists."""

import csv
import random
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.opening import open_event_sink
from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.service_call import Service
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic
from streamrec.domain.generations.roles import Roles
from streamrec.ports import COMMANDS, Message
from streamrec.wire import Command, encode_command
from tests.e2e.processes import ROOT, Process, eventually, gunicorn, is_ready, python

N_EVENTS = 600
N_USERS = 60
K = 30


class Statsd:
    """The last value of each gauge, as it arrives."""

    def __init__(self) -> None:
        self.gauges: dict[str, float] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.url = f"statsd://127.0.0.1:{self._socket.getsockname()[1]}"
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def gauge(self, name: str) -> float:
        return self.gauges.get(f"streamrec.{name}", -1.0)

    def close(self) -> None:
        self._is_ending.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._is_ending.is_set():
            try:
                lines = self._socket.recv(65536).decode().split("\n")
            except TimeoutError:
                continue
            for line in lines:
                name, _, figure = line.partition(":")
                value, _, kind = figure.partition("|")
                if kind == "g":
                    self.gauges[name] = float(value)


class Load:
    """Users who look and choose, all the while; what they were answered is kept."""

    def __init__(self, recommender: Service, user_ids: list[str], item_ids: list[str]) -> None:
        self._recommender = recommender
        self._user_ids = user_ids
        self._item_ids = item_ids
        self.answers: list[dict[str, Any]] = []
        self.sent: list[tuple[str, str]] = []
        self.failures: list[str] = []
        self._is_ending = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(2)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._is_ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        chance = random.Random(number)
        while not self._is_ending.wait(0.005):
            user_id, item_id = chance.choice(self._user_ids), chance.choice(self._item_ids)
            looked_at = f"&item_id={item_id}" if chance.random() < 0.5 else ""
            try:
                self.answers.append(
                    self._recommender.get(f"/v1/recommendations?user_id={user_id}&k={K}{looked_at}")
                )
                if chance.random() < 0.5:
                    event = {"user_id": user_id, "item_id": item_id, "timestamp": time.time()}
                    self._recommender.call("POST", "/v1/events", event)
                    self.sent.append((user_id, item_id))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a request that failed
                self.failures.append(repr(error))


class Stack:
    """All processes on the embedded default, with a trainer for each of two generations."""

    def __init__(self, folder: Path, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        self.folder = folder
        self.statsd = Statsd()
        index_port, recommender_port = free_port(), free_port()
        self.environment = {
            "STREAMREC_INDEX_URL": f"http://127.0.0.1:{index_port}",
            "STREAMREC_STATSD_URL": self.statsd.url,
            "STREAMREC_SERVER_TIMEOUT_S": "10",
            "STREAMREC_TRAINER_EVALUATIONS_PER_S": "10000",
            "STREAMREC_TRAINER_LEASE_DURATION_S": "2",
            "STREAMREC_TRAINER_STATUS_INTERVAL_S": "0.2",
            "STREAMREC_TRAINER_CHECKPOINT_INTERVAL_S": "0.5",
            **settings,
        }
        self.user_ids, self.shared_items = _write_histories(folder)
        self._train("old", "16")
        self._train("new", "8", "--as-challenger")
        trainer = str(ROOT / "incremental_training.py")
        commands = {
            "index": gunicorn("faiss_server", index_port),
            "recommender": gunicorn("recommender_server", recommender_port),
            "champion": python(trainer),
            "challenger": python(trainer, "--role", "challenger"),
        }
        self.processes = {
            name: Process(folder, name, command, self.environment) for name, command in commands.items()
        }
        self.index = Service(self.environment["STREAMREC_INDEX_URL"])
        self.recommender = Service(f"http://127.0.0.1:{recommender_port}")

    @property
    def roles(self) -> Roles:
        return SnapshotRoles(self.folder / "var/artifacts").read()

    def start(self) -> None:
        for process in self.processes.values():
            process.start()
        eventually(lambda: is_ready(self.index) and is_ready(self.recommender))
        eventually(lambda: self.index.get("/v1/stats")["challenger"] == self.roles.challenger)
        for name in ("champion", "challenger"):
            self.processes[name].wait_for_words("generation", "next_offsets")

    def command(self, *words: str) -> tuple[int, str]:
        name = f"{'-'.join(words)}-{time.monotonic_ns()}"
        said = Process(self.folder, name, python("-m", "streamrec", *words), self.environment).start()
        return said.exit_code(), said.said()

    def swap(self) -> float:
        """Let champion and challenger change places; return the seconds until all users have moved."""
        champion, challenger = self.roles[:2]
        assert challenger is not None
        started = time.monotonic()
        command = encode_command(Command("promote", time.time(), "test"))
        with closing(open_event_sink(f"sqlite:///{self.folder}/var/events.db")) as sink:
            sink.append(COMMANDS, [Message(challenger, command)])
        eventually(lambda: self.roles[:2] == (challenger, champion) and self.roles.under_way is None)
        eventually(lambda: self.index.get("/v1/stats")["generation"] == challenger)
        return time.monotonic() - started

    def begin_experiment(self) -> None:
        """Let the challenger answer half of the users, once its vectors of them are out."""
        definition = {
            "variants": [{"name": "a"}, {"name": "b", "changes": {"generation": "challenger"}}],
            "control": "a",
            "primary": "ctr",
            "state": "running",
        }
        self.recommender.call("PUT", "/v1/experiments/models", definition)
        self.wait_for_variant()

    def wait_for_variant(self) -> None:
        """Wait until the challenger answers one of the users."""
        eventually(lambda: any(self._is_by_challenger(user_id) for user_id in self.user_ids))

    def why_paused(self) -> str | None:
        told: str | None = self.recommender.get("/v1/experiments")["paused"].get("models")
        return told

    def _is_by_challenger(self, user_id: str) -> bool:
        answer = self.recommender.get(f"/v1/recommendations?user_id={user_id}&k={K}")
        by_variant = answer.get("experiments", {}).get("models") == "b"
        return bool(by_variant and answer["generation"] == self.roles.challenger)

    def users_by_generation(self) -> dict[str, int]:
        with closing(sqlite3.connect(self.folder / "var/store.db")) as store:
            return dict(store.execute("SELECT generation, count(*) FROM users GROUP BY generation"))

    def seen(self) -> set[tuple[str, str]]:
        with closing(sqlite3.connect(self.folder / "var/store.db")) as store:
            return set(store.execute("SELECT user_id, item_id FROM seen"))

    def end(self) -> None:
        for process in self.processes.values():
            process.running.terminate()  # all at once: each takes some seconds
        for process in self.processes.values():
            process.end()
        self.statsd.close()

    def _train(self, name: str, dimension: str, *options: str) -> None:
        environment = {**self.environment, "STREAMREC_LEARNING_EMBEDDING_DIM": dimension}
        command = python(str(ROOT / "initial_training.py"), "--events", f"{name}.csv", *options)
        training = Process(self.folder, f"train-{name}", command, environment).start()
        assert training.exit_code() in (0, 3), training.said()


def _write_histories(folder: Path) -> tuple[list[str], list[str]]:
    """Write two histories that have each second item in common; the others' names tell whose they are."""
    write_synthetic(SyntheticStream(N_EVENTS, n_users=N_USERS, n_items=100), folder / "clicks.csv")
    with (folder / "clicks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["item_id"] for row in rows})
    own = set(names[::2])
    for history in ("old", "new"):
        with (folder / f"{history}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            for row in rows:
                prefix = f"{history}-" if row["item_id"] in own else ""
                writer.writerow({**row, "item_id": prefix + row["item_id"]})
    return sorted({row["user_id"] for row in rows}), names[1::2]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path)
    try:
        stack.start()
        yield stack
    finally:
        stack.end()


def test_promotion_and_rollback_under_load(stack: Stack) -> None:
    old, new = stack.roles.champion, stack.roles.challenger
    assert old is not None
    assert new is not None
    load = Load(stack.recommender, stack.user_ids, stack.shared_items)
    load.start()
    try:
        eventually(lambda: stack.statsd.gauge("trainer.prequential.gmf.n_events") > 100)
        eventually(lambda: stack.statsd.gauge("challenger.prequential.gmf.n_events") > 100)
        stack.begin_experiment()
        exit_code, said = stack.command("promote", new)
        assert exit_code == 0, said
        assert stack.roles[:2] == (new, old)
        eventually(lambda: stack.index.get("/v1/stats")["generation"] == new)
        eventually(lambda: "is not the challenger any more" in (stack.why_paused() or ""))
        exit_code, said = stack.command("rollback")
        assert exit_code == 0, said
        assert stack.roles[:2] == (old, new)
        eventually(lambda: stack.index.get("/v1/stats")["generation"] == old)
        eventually(lambda: stack.why_paused() is None)
        stack.wait_for_variant()
    finally:
        load.end()
    assert load.failures == []
    for answer in load.answers:
        assert not answer["degraded"]
        foreign = "new-" if answer["generation"] == old else "old-"
        of_vectors = [item["item_id"] for item in answer["items"] if item["source"] == "gmf"]
        assert not [item_id for item_id in of_vectors if item_id.startswith(foreign)]
        # Whose vector of the challenger is not out yet is answered without vectors.
        assert answer["generation"] is not None or not of_vectors
    assert {answer["generation"] for answer in load.answers} - {None} == {old, new}
    exit_code, said = stack.command("rollback")
    assert (exit_code, "nothing to go back to" in said) == (2, True)
    eventually(lambda: {*load.sent} <= stack.seen())
