"""Users like one: how fast over HTTP among 100,000, and whether planted groups are found.

The stack is the embedded one with a real index server, beside a stream that moves users as the trainer does.
``python -m benchmarks.similarity.users --json FILE``
"""

import json
import multiprocessing
import tempfile
import time
import urllib.request
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import mean, median
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.serving.recommendations import load
from benchmarks.serving.stack import (
    DIMENSION,
    GENERATION,
    Vectors,
    environment_of,
    gmf_like,
    locations_in,
    served,
)
from benchmarks.similarity.user_groups import Planted, precisions
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.opening import open_event_sink, open_trainer_store
from streamrec.cli.launch.local_servers import free_port
from streamrec.domain.users.user import LabelUse, Profile, UserState
from streamrec.ports import USER_VECTORS, Message, Snapshot, UserUpdates, VectorTable
from streamrec.settings.processes import LocationSettings
from streamrec.wire import VectorRecord, encode_vector

WANTED_P99_MS = 20.0
WANTED_PRECISION = 0.9

_PATH = "/v1/users/u{n}/similar?k=10"
_EXPECTED = ('"reason":null', '"mean_value":12.5')
_N_ITEMS = 1000
_STREAM_USERS_PER_S = 200
_PROFILE = Profile(
    tuple(LabelUse(f"category {number}", 9 - number, 12.5) for number in range(8)),
    tuple(LabelUse(f"tag {number}", 9 - number, 12.5) for number in range(8)),
)
_PLANTED = tuple(Planted(n_events, noise) for n_events in (2_000, 5_000, 20_000) for noise in (0.1, 0.2, 0.4))
_N_SEEDS = 3
_BUILD_S, _BEGIN_S = 300.0, 60.0

Result = dict[str, Any]


def populate(locations: LocationSettings, n_users: int) -> Vectors:
    """Fill store and snapshot; return (U, D + 1) vectors of the users' tastes: clusters, as items are."""
    taste, _ = gmf_like(n_users, 1, seed=1)
    taste[:, -1] = 0.0
    items, _ = gmf_like(_N_ITEMS, 1, seed=2)
    user_ids = [f"u{row}" for row in range(n_users)]
    users = VectorTable(user_ids, np.ones((n_users, DIMENSION + 1), np.float32))
    table = VectorTable([f"i{row}" for row in range(_N_ITEMS)], items)
    write_snapshot(
        locations.artifacts_dir,
        Snapshot(
            GENERATION,
            items=table,
            users=users,
            next_offsets={},
            created_at=time.time(),
            provenance={},
            similarity_vectors=taste,
        ),
    )
    set_current(locations.artifacts_dir, GENERATION)
    store = open_trainer_store(locations.store_url)
    lease = store.acquire("trainer", "benchmark", 3600.0, time.time())
    assert lease is not None
    for first in range(0, n_users, 2000):
        states = [_state(row, taste[row]) for row in range(first, min(first + 2000, n_users))]
        store.publish_users(UserUpdates(states, []), lease)
    store.release(lease)
    store.close()
    return taste


def _state(row: int, vector: Vectors) -> UserState:
    recent = tuple(f"i{(row * 7 + n) % _N_ITEMS}" for n in range(50))
    return UserState(
        f"u{row}",
        generation=GENERATION,
        vector=vector.tobytes(),
        recent=recent,
        disliked=(),
        n_events=60,
        updated_at=1.7e9,
        profile=_PROFILE,
    )


def stream(locations: LocationSettings, n_users: int, has_begun: Event) -> None:
    """Write as the trainer does, forever: users' documents and their taste vectors."""
    taste, _ = gmf_like(n_users, 1, seed=1)
    chance = np.random.default_rng(2)
    store, changelog = open_trainer_store(locations.store_url), open_event_sink(locations.vectors_url)
    lease = store.acquire("trainer", "stream", 3600.0, time.time())
    assert lease is not None
    due = time.monotonic()
    while True:
        rows = chance.choice(n_users, _STREAM_USERS_PER_S // 5, replace=False).tolist()
        store.publish_users(UserUpdates([_state(row, taste[row]) for row in rows], []), lease)
        changelog.append(USER_VECTORS, [_drifted(row, taste, chance) for row in rows])
        has_begun.set()
        due += 0.2
        time.sleep(max(0.0, due - time.monotonic()))


def _drifted(row: int, taste: Vectors, chance: np.random.Generator) -> Message:
    vector = taste[row] + 0.01 * chance.standard_normal(DIMENSION + 1, np.float32)
    return Message(f"u{row}", encode_vector(VectorRecord(GENERATION, vector.tobytes(), time.time())))


def stats_of_users(index_port: int) -> Result:
    """Return what the index server says of its users."""
    with urllib.request.urlopen(f"http://127.0.0.1:{index_port}/v1/stats", timeout=10) as answer:
        of_users: Result = json.load(answer)["users"]
    return of_users


def await_clusters(index_port: int) -> None:
    """Wait until users are clustered, where there are so many that they will be."""
    deadline = time.monotonic() + _BUILD_S
    while (stats := stats_of_users(index_port))["n_users"] > 20_000 and stats["kind"] == "flat":
        if time.monotonic() > deadline:
            raise SystemExit(f"users are not clustered after {_BUILD_S:.0f} s: {stats}")
        time.sleep(0.5)


def measure_latency(n_users: int, seconds: float, turns: int) -> Result:
    """Ask 100 times a second for users like one, quietly and beside a stream by turns."""
    with tempfile.TemporaryDirectory() as name:
        index_port, port = free_port(), free_port()
        locations = locations_in(Path(name), index_port)
        populate(locations, n_users)
        environment = environment_of(locations)
        index = served(["-c", "python:faiss_server.gunicorn_settings"], index_port, environment)
        recommender = served(["-c", "python:recommender_server.gunicorn_settings"], port, environment)
        with index, recommender:
            await_clusters(index_port)
            load(port, _PATH, _EXPECTED, seconds=2, below=n_users)  # warm

            def ask(turn: int) -> Result:
                first = turn * n_users // turns
                return load(port, _PATH, _EXPECTED, seconds=seconds, rate=100, first=first, below=n_users)

            quiet = [ask(turn) for turn in range(turns)]
            return {
                "quiet": _summary(quiet),
                "beside_a_stream": _summary(beside_a_stream(locations, n_users, ask, turns)),
                "index": stats_of_users(index_port),
            }


def beside_a_stream(
    locations: LocationSettings, n_users: int, ask: Callable[[int], Result], turns: int
) -> list[Result]:
    """Return what is measured while a stream moves users."""
    context = multiprocessing.get_context("spawn")
    has_begun = context.Event()
    writer = context.Process(target=stream, args=(locations, n_users, has_begun), daemon=True)
    writer.start()
    try:
        if not has_begun.wait(_BEGIN_S):
            raise SystemExit("the stream does not begin")
        return [ask(turn) for turn in range(turns)]
    finally:
        writer.terminate()
        writer.join()


def _summary(results: list[Result]) -> Result:
    return {
        **{name: median(result[name] for result in results) for name in ("p50_ms", "p99_ms")},
        "max_ms": max(result["max_ms"] for result in results),
        "n_answers": sum(result["n_answers"] for result in results),
        "n_failed": sum(result["n_failed"] for result in results),
    }


def measure_groups() -> list[Result]:
    """Return by stream the mean precision over some seeds."""
    rows = []
    for planted in _PLANTED:
        by_seed = [precisions(planted, seed) for seed in range(_N_SEEDS)]
        rows.append(planted._asdict() | {name: mean(one[name] for one in by_seed) for name in by_seed[0]})
    return rows


def show(result: Result) -> None:
    """Print the tables."""
    console = Console()
    latency = result["latency_at_100_per_s"]
    table = Table("requests", "p50 ms", "p99 ms", "longest ms", "answers", "failed")
    for name in ("quiet", "beside_a_stream"):
        row = latency[name]
        times = [f"{row[figure]:.1f}" for figure in ("p50_ms", "p99_ms", "max_ms")]
        table.add_row(name.replace("_", " "), *times, str(row["n_answers"]), str(row["n_failed"]))
    console.print(table)
    index = latency["index"]
    console.print(
        f"{index['n_users']:,} users, {index['kind']}, recall@10 against exact search"
        f" {index['recall_at_10']:.3f}; p99 of at most {WANTED_P99_MS:.0f} ms is wanted"
    )
    table = Table("events", "noise", "likeness", "list vectors")
    for row in result["precision_in_planted_groups"]:
        shares = [f"{row[name]:.3f}" for name in ("likeness", "list vectors")]
        table.add_row(f"{row['n_events']:,}", f"{row['noise']:.0%}", *shares)
    console.print(table)
    console.print(f"precision at (group size - 1) of at least {WANTED_PRECISION} is wanted")


def main(
    json_path: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    n_users: int = 100_000,
    seconds: float = 6.0,
    turns: int = 3,
) -> None:
    """Measure and print."""
    result = {
        "n_users": n_users,
        "latency_at_100_per_s": measure_latency(n_users, seconds, turns),
        "precision_in_planted_groups": measure_groups(),
    }
    results_file.write(json_path, result)
    show(result)


if __name__ == "__main__":
    typer.run(main)
