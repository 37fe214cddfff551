"""Cost of HTTP in a search: the real service against the same index in process, in one run."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.index.vectors import N_EXCLUDED, SHAPES, D, K, Vectors, items, nearest, users
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.opening import open_event_sink
from streamrec.index_protocol import decode_answers, decode_queries, encode_queries
from streamrec.ports import ITEM_VECTORS, ById, ByVector, Message, Snapshot, VectorTable
from streamrec.wire import VectorRecord, encode_vector

N_ITEMS = 100_000
_N_QUERIES = 500
_START_S = 120.0
_HEADERS = {"Content-Type": "application/msgpack"}


def measure_hop(shape_name: str, n_items: int = N_ITEMS) -> dict[str, Any]:
    """Search items in process, over HTTP, and send empty requests of the same size, in turn."""
    shape, chance = SHAPES[shape_name], np.random.default_rng(3)
    vectors, sample = items(n_items, shape, chance), users(256, shape, chance)
    ids = [f"item-{row}" for row in range(n_items)]
    index = FaissIndex(D + 1, sample)
    index.upsert(ids, vectors)
    index.maintain()
    queries = users(_N_QUERIES, shape, chance)
    excluded = [[ids[row] for row in nearest(vectors, query, N_EXCLUDED)] for query in queries]
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        table = VectorTable([f"user-{row}" for row in range(len(sample))], sample)
        snapshot = Snapshot(
            "g",
            items=VectorTable(ids, vectors),
            users=table,
            next_offsets={},
            created_at=time.time(),
            provenance={},
        )
        write_snapshot(home / "artifacts", snapshot)
        set_current(home / "artifacts", "g")
        with (
            _served("faiss_server.asgi:app", home) as service,
            _served("benchmarks.index.empty_app:app", home) as empty,
        ):
            _await_ready(service)
            figures = _compare(index, queries, excluded, service, empty)
            figures["changelog_to_search_ms_max"] = _visibility_ms(home, service)
    return {"n_items": n_items, "vectors": shape_name, **figures}


def _compare(
    index: FaissIndex,
    queries: Vectors,
    excluded: list[list[str]],
    service: http.client.HTTPConnection,
    empty: http.client.HTTPConnection,
) -> dict[str, Any]:
    durations: list[tuple[float, float, float]] = []
    n_equal = 0
    for query, exclude in zip(queries, excluded, strict=True):
        body = encode_queries([ByVector(query.tobytes(), K, exclude=exclude)])
        # Ids as any caller has them, read from somewhere: not the very objects that the index holds.
        own_exclude = decode_queries(body)[0].exclude
        started = time.perf_counter()
        wanted = index.search(query, K, own_exclude)
        in_process = time.perf_counter()
        payload = _post(service, "/v1/search", body)
        over_http = time.perf_counter()
        _post(empty, f"/v1/search?n_bytes={len(payload)}", body)
        ended = time.perf_counter()
        durations.append((in_process - started, over_http - in_process, ended - over_http))
        n_equal += decode_answers(payload)[0].ids == wanted.ids
    in_process_ms, http_ms, empty_ms = (np.median(durations, axis=0) * 1e3).tolist()
    return {
        "in_process_ms_p50": in_process_ms,
        "http_ms_p50": http_ms,
        "empty_request_ms_p50": empty_ms,
        "ratio": (http_ms - empty_ms) / in_process_ms,
        "share_of_equal_answers": n_equal / len(queries),
    }


def _visibility_ms(home: Path, service: http.client.HTTPConnection) -> float:
    """Return the longest from an append to the changelog until the item is found."""
    sink = open_event_sink(f"sqlite:///{home}/changelog.db")
    longest = 0.0
    for number in range(50):
        item_id = f"new-{number}"
        vector = np.ones(D + 1, "<f4").tobytes()
        start = time.perf_counter()
        sink.append(ITEM_VECTORS, [Message(item_id, encode_vector(VectorRecord("g", vector, time.time())))])
        body = encode_queries([ById(item_id, 1)])
        while decode_answers(_post(service, "/v1/search", body))[0].is_missing:
            time.sleep(0.001)
        longest = max(longest, time.perf_counter() - start)
    sink.close()
    return longest * 1e3


def _post(connection: http.client.HTTPConnection, path: str, body: bytes) -> bytes:
    connection.request("POST", path, body, _HEADERS)
    answer = connection.getresponse()
    payload = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise SystemExit(f"{path} answered {answer.status}: {payload[:300]!r}")
    return payload


@contextmanager
def _served(app: str, home: Path) -> Iterator[http.client.HTTPConnection]:
    """Run an application as the index service is run; give a connection that stays open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "STREAMREC_ARTIFACTS_DIR": str(home / "artifacts"),
        "STREAMREC_EVENTS_URL": f"sqlite:///{home}/events.db",
        "STREAMREC_CHANGELOG_URL": f"sqlite:///{home}/changelog.db",
        "STREAMREC_LOG_LEVEL": "WARNING",
    }
    settings = ["-c", "python:faiss_server.gunicorn_settings", "-b", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "gunicorn", *settings, "--log-level", "warning", app]
    server = subprocess.Popen(command, env=environment)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        _await_port(port)
        yield connection
    finally:
        connection.close()
        server.terminate()
        server.wait(30)


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _await_ready(connection: http.client.HTTPConnection) -> None:
    deadline = time.monotonic() + _START_S
    status = 0
    while status != http.HTTPStatus.OK:
        if time.monotonic() > deadline:
            raise SystemExit("the index service did not become ready")
        time.sleep(0.1)
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        answer.read()
        status = answer.status
