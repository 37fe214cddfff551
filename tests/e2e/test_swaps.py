"""Generations that change places every two seconds, and services restarted one by one, under load."""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.service_call import Service
from tests.e2e.processes import ROOT, Process, eventually, gunicorn, is_ready, python
from tests.e2e.test_changing_places import K, Stack
from tests.forwarder import Forwarder

RATE = 200.0
"""Requests a second."""

N_THREADS = 8
N_SWAPS, N_WARM = 100, 5
SWAP_S = 2.0
MOST_GROWN = 1.05

SMALL = {
    "STREAMREC_LEARNING_N_REPLAY_NEWEST": "100",
    "STREAMREC_LEARNING_N_REPLAY_SAMPLED": "500",
    "STREAMREC_TRAINER_DEDUPE_WINDOW": "500",
}
"""Bounds that are met before the memory is measured first: what events add is not what swaps do."""


class SteadyLoad:
    """Asks for lists and sends events at a fixed rate; counts what was answered, and keeps what was wrong.

    A request whose connection the server has just closed is sent once more, as any HTTP client does.
    """

    def __init__(self, stack: Stack, port: int, foreign_to: Callable[[str | None], str]) -> None:
        self._stack, self._port, self._foreign_to = stack, port, foreign_to
        self.statuses: Counter[int] = Counter()
        self.generations: Counter[str | None] = Counter()
        self.wrong: list[str] = []
        self.sent: list[tuple[str, str]] = []
        self.latencies_s: list[float] = []
        self._numbers = itertools.count()
        self._is_ending = threading.Event()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(N_THREADS)]

    def __enter__(self) -> "SteadyLoad":
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_ending.set()
        for thread in self._threads:
            thread.join()
        self.lasted_s = time.monotonic() - self._began

    def _run(self, seed: int) -> None:
        chance = random.Random(seed)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30.0)
        while not self._is_ending.is_set():
            number = next(self._numbers)
            self._is_ending.wait(max(0.0, self._began + number / RATE - time.monotonic()))
            user, item = chance.choice(self._stack.user_ids), chance.choice(self._stack.shared_items)
            if number % 4 == 0:
                event = {"user_id": user, "item_id": item, "timestamp": time.time()}
                if self._ask(connection, "POST", "/v1/events", event) is not None:
                    self.sent.append((user, item))
            else:
                looked_at = f"&item_id={quote(item)}" if number % 2 else ""
                self._look(connection, f"/v1/recommendations?user_id={quote(user)}&k={K}{looked_at}")
        connection.close()

    def _look(self, connection: http.client.HTTPConnection, path: str) -> None:
        answer = self._ask(connection, "GET", path, None)
        if answer is None:
            return
        generation = answer["generation"]
        self.generations[generation] += 1
        foreign = self._foreign_to(generation)
        of_vectors = [one["item_id"] for one in answer["items"] if one["source"] == "gmf"]
        if answer["degraded"] or any(item_id.startswith(foreign) for item_id in of_vectors):
            self.wrong.append(f"{generation}: {answer['degraded']}: {of_vectors}")

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: object
    ) -> dict[str, Any] | None:
        started = time.monotonic()
        for attempt in (1, 2):
            try:
                connection.request(
                    method,
                    path,
                    None if body is None else json.dumps(body),
                    {"Content-Type": "application/json"},
                )
                answer = connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if attempt == 2:
                    self.wrong.append(f"{method} {path}: {error!r}")
                    return None
        self.statuses[answer.status] += 1
        self.latencies_s.append(time.monotonic() - started)
        if answer.status >= 300:
            self.wrong.append(f"{method} {path}: {answer.status} {text[:200]!r}")
            return None
        found: dict[str, Any] = json.loads(text)
        return found

    def said(self) -> str:
        """Return the figures as a line."""
        latencies = sorted(self.latencies_s)
        n = len(latencies)
        middle, late = latencies[n // 2] * 1000, latencies[n * 99 // 100] * 1000
        rate = n / self.lasted_s
        return f"{n} requests, {rate:.0f}/s, median {middle:.1f} ms, p99 {late:.0f} ms, {dict(self.statuses)}"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path, SMALL)
    try:
        stack.start()
        yield stack
    finally:
        stack.end()


def foreign_to_first(stack: Stack) -> Callable[[str | None], str]:
    """Return what tells the prefix of items that a generation's vectors do not know."""
    old = stack.roles.champion
    return lambda generation: "new-" if generation == old else "old-"


def memory(stack: Stack) -> dict[str, float]:
    """Return megabytes by process, each with its workers, of what is its own."""
    found = {}
    for name, process in stack.processes.items():
        itself = psutil.Process(process.running.pid)
        family = [itself, *itself.children(recursive=True)]
        found[name] = sum(one.memory_full_info().uss for one in family) / 2**20
    return found


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_hundred_swaps_under_load_mix_nothing_and_grow_nothing(stack: Stack) -> None:
    port = int(stack.recommender.address.rsplit(":", 1)[1])
    took_s: list[float] = []
    after_warm: dict[str, float] = {}
    with SteadyLoad(stack, port, foreign_to_first(stack)) as load:
        for number in range(N_SWAPS):
            due = time.monotonic() + SWAP_S
            took_s.append(stack.swap())
            if number + 1 == N_WARM:
                after_warm = memory(stack)
            time.sleep(max(0.0, due - time.monotonic()))
        at_end = memory(stack)
    told = f"{load.said()}; a swap {sorted(took_s)[N_SWAPS // 2]:.1f} s, at most {max(took_s):.1f}"
    (stack.folder / "figures.txt").write_text(f"{told}; MB {after_warm} and {at_end}")
    assert load.wrong == []
    assert len(load.generations.keys() - {None}) == 2
    total, total_after_warm = sum(at_end.values()), sum(after_warm.values())
    assert total <= MOST_GROWN * total_after_warm, (after_warm, at_end)
    eventually(lambda: {*load.sent} <= stack.seen())


class Replicas:
    """Two processes of one service, and the way to the one that new connections go to."""

    def __init__(self, stack: Stack, service: str, environment: dict[str, str]) -> None:
        self.ports = [free_port(), free_port()]
        self.way = Forwarder(self.ports[0])
        self.processes = [
            Process(stack.folder, f"{service}-{port}", gunicorn(service, port), environment)
            for port in self.ports
        ]

    def start(self) -> None:
        for process in self.processes:
            process.start()
        eventually(lambda: all(is_ready(Service(f"http://127.0.0.1:{port}")) for port in self.ports))

    def restart(self, number: int) -> None:
        """Send the new connections to the other one, stop this one in good order, and start it again."""
        self.way.target = self.ports[1 - number]
        self.processes[number].end()
        self.processes[number].start()
        eventually(lambda: is_ready(Service(f"http://127.0.0.1:{self.ports[number]}")))

    def end(self) -> None:
        for process in self.processes:
            process.end()
        self.way.close()


def restart_trainer(trainers: Sequence[Process]) -> None:
    """Stop the trainer that holds the lease, wait until the other does, and start it again."""
    active, standby = trainers
    n_before = len(standby.lines("lease_acquired"))
    active.end()
    eventually(lambda: len(standby.lines("lease_acquired")) > n_before)
    active.start()
    active.wait_for_words("standing_by")


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_rolling_restarts_of_each_service_cost_no_request_and_no_event(stack: Stack) -> None:
    index = Replicas(stack, "faiss_server", stack.environment)
    here = stack.environment | {"STREAMREC_INDEX_URL": f"http://127.0.0.1:{index.way.port}"}
    recommender = Replicas(stack, "recommender_server", here)
    trainer = python(str(ROOT / "incremental_training.py"))
    second = Process(stack.folder, "champion-2", trainer, stack.environment)
    trainers = [stack.processes["champion"], second]
    try:
        for replicas in (index, recommender):
            replicas.start()
        second.start().wait_for_words("standing_by")
        with SteadyLoad(stack, recommender.way.port, foreign_to_first(stack)) as load:
            for number in (0, 1):
                index.restart(number)
                recommender.restart(number)
                restart_trainer(trainers)
                trainers.reverse()
        (stack.folder / "figures.txt").write_text(load.said())
        assert load.wrong == []
        eventually(lambda: {*load.sent} <= stack.seen())
    finally:
        second.end()
        recommender.end()
        index.end()
