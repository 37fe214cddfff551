"""Two index servers on one log: the same answers, whatever happens to one of them meanwhile."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.opening import open_event_sink
from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.service_call import Service
from streamrec.ports import ITEM_VECTORS, EventSink, Message, Snapshot, VectorTable
from streamrec.wire import VectorRecord, decode_vector, encode_vector
from tests.e2e.processes import Process, answer_of, eventually, gunicorn, is_ready

DIMENSION = 17
N_ITEMS, N_CHANGES, N_QUERIES = 3_000, 10_000, 1_000
QUERIES_A_REQUEST = 250
GENERATION = "g1"


class Replica:
    """An index server of its own."""

    def __init__(self, folder: Path, name: str, kafka_url: str) -> None:
        port = free_port()
        environment = {
            "STREAMREC_EVENTS_URL": kafka_url,
            "STREAMREC_ARTIFACTS_DIR": str(folder / "artifacts"),
        }
        self.process = Process(folder, name, gunicorn("faiss_server", port), environment).start()
        self.service = Service(f"http://127.0.0.1:{port}", timeout_s=60.0)

    def place(self) -> Any:
        """Return where it reads on in the log of vectors, or None while it does not answer."""
        answer = answer_of(self.service, "/v1/stats")
        return answer.get("next_offsets", {}).get(ITEM_VECTORS) if isinstance(answer, dict) else None

    def search(self, vectors: NDArray[np.float32]) -> list[list[dict[str, Any]]]:
        found: list[list[dict[str, Any]]] = []
        for start in range(0, len(vectors), QUERIES_A_REQUEST):
            queries = {"vectors": vectors[start : start + QUERIES_A_REQUEST].tolist(), "k": 10}
            found += self.service.call("POST", "/v1/search", queries)["results"]
        return found


@pytest.fixture
def replicas(tmp_path: Path, kafka_url: str) -> Iterator[list[Replica]]:
    chance = np.random.default_rng(1)
    ids = [f"i{number}" for number in range(N_ITEMS)]
    items = VectorTable(ids, chance.normal(size=(N_ITEMS, DIMENSION)).astype(np.float32))
    users = VectorTable(["u"], np.ones((1, DIMENSION), np.float32))
    write_snapshot(tmp_path / "artifacts", Snapshot(GENERATION, items, users, {}, time.time(), {}))
    set_current(tmp_path / "artifacts", GENERATION)
    both = [Replica(tmp_path, name, kafka_url) for name in ("steady", "unlucky")]
    yield both
    for replica in both:
        replica.process.end()


@pytest.fixture
def sink(kafka_url: str) -> Iterator[EventSink]:
    sink = open_event_sink(kafka_url)
    yield sink
    sink.close()


def changes(n: int) -> list[Message]:
    """Return upserts of old and new items, and deletions of one in five."""
    chance = np.random.default_rng(2)
    numbers = chance.integers(0, N_ITEMS * 5 // 4, n)
    vectors = chance.normal(size=(n, DIMENSION)).astype("<f4")
    is_deletion = chance.random(n) < 0.2
    return [
        Message(
            f"i{number}",
            encode_vector(VectorRecord(GENERATION, None if gone else vector.tobytes(), time.time())),
        )
        for number, vector, gone in zip(numbers.tolist(), vectors, is_deletion.tolist(), strict=True)
    ]


def test_a_replica_that_was_killed_answers_as_the_other_one_does(
    replicas: list[Replica], sink: EventSink
) -> None:
    steady, unlucky = replicas
    eventually(lambda: all(is_ready(replica.service) for replica in replicas))
    messages = changes(N_CHANGES)
    for start in range(0, N_CHANGES, 500):
        sink.append(ITEM_VECTORS, messages[start : start + 500])
        if start == N_CHANGES // 2:
            unlucky.process.end(signal.SIGKILL)
        if start == N_CHANGES * 3 // 4:
            unlucky.process.start()
    eventually(lambda: is_ready(unlucky.service))
    eventually(lambda: sum((steady.place() or {}).values()) == N_CHANGES)
    eventually(lambda: unlucky.place() == steady.place())
    queries = np.random.default_rng(3).normal(size=(N_QUERIES, DIMENSION)).astype(np.float32)
    found = steady.search(queries)
    assert unlucky.search(queries) == found
    last_of = {message.key: message.value for message in messages}
    assert len(found) == N_QUERIES
    shown = {item["item_id"] for items in found for item in items}
    assert len(shown & last_of.keys()) > 100
    assert not shown & {key for key, value in last_of.items() if is_tombstone(value)}


def is_tombstone(value: bytes | None) -> bool:
    return value is None or decode_vector(value).vector is None
