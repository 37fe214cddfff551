"""kill -9 at any moment: a restart ends where an uninterrupted run ends."""

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
import typer

from models.checkpoint import checkpoint_folders, read_checkpoint
from streamrec.adapters.files.snapshots import current_generation
from streamrec.adapters.sqlite.events import SqliteEventSink
from streamrec.domain.events.interaction import Interaction
from streamrec.ports import INTERACTIONS, Message
from streamrec.wire import encode_event

N_STREAMED = 4000
N_SENT = N_STREAMED + N_STREAMED // 10
N_IN_LOG = N_SENT + N_SENT // 100
"""Every tenth event is there twice, and every hundredth record is none."""

# The server imports torch once; each trainer is a process of its own that starts in a blink.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["initial_training", "incremental_training"])


def stream(n: int, seed: int) -> list[Interaction]:
    """Return events among 200 users and 300 items; newcomers all the time, every tenth event repeated."""
    chance = random.Random(seed)
    events = []
    for number in range(n):
        user = chance.randrange(200 + number // 50)
        item = int(chance.paretovariate(0.7)) % (300 + number // 50)
        kind = chance.choices(["view", "purchase", "impression", "dislike"], [60, 30, 5, 5])[0]
        events.append(Interaction(f"u{user}", f"i{item}", 1.6e9 + number, kind, None, f"{seed}:{number}"))
        if number % 10 == 9:
            events.append(events[chance.randrange(len(events))])
    return events


def environment(folder: Path) -> dict[str, str]:
    return {
        "STREAMREC_EVENTS_URL": f"sqlite:///{folder}/events.db",
        "STREAMREC_STORE_URL": f"sqlite:///{folder}/store.db",
        "STREAMREC_CACHE_URL": f"sqlite:///{folder}/cache.db",
        "STREAMREC_ARTIFACTS_DIR": f"{folder}/artifacts",
        "STREAMREC_LEARNING_EMBEDDING_DIM": "8",
        "STREAMREC_TRAINER_MAX_BATCH": "16",
        "STREAMREC_TRAINER_CHECKPOINT_INTERVAL_S": "0.1",
        "STREAMREC_TRAINER_LEASE_DURATION_S": "0.3",
        "STREAMREC_TRAINER_DEDUPE_WINDOW": "2000",
        "STREAMREC_TRAINER_TAIL_S": "120",
        "STREAMREC_LOG_LEVEL": "ERROR",
    }


def train_initially(variables: dict[str, str], events: Path) -> None:
    os.environ.update(variables)
    from initial_training import main

    with contextlib.suppress(typer.Exit):  # events at random: popularity may well be the better model
        main(events=events)


def train_on(variables: dict[str, str]) -> None:
    os.environ.update(variables)
    from incremental_training import main

    main()


def started(variables: dict[str, str]) -> ForkServerProcess:
    process = processes.Process(target=train_on, args=(variables,))
    process.start()
    return process


def started_and_at_work(folder: Path, variables: dict[str, str] | None = None) -> ForkServerProcess:
    """Return a trainer that has the lease: it listens for signals by then, however slow the machine."""
    before = leases(folder)
    process = started(variables or environment(folder))
    deadline = time.monotonic() + 60
    while leases(folder) == before:
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def at_work_behind(folder: Path, offset: int) -> ForkServerProcess:
    """Return a trainer that has written a checkpoint behind an offset, unless that is the log's end."""
    process = started(environment(folder))
    deadline = time.monotonic() + 120
    while offset_reached(folder) <= offset < N_IN_LOG:
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def leases(folder: Path) -> list[tuple[str, int]]:
    """Return each lease's name and the fencing token that was given out last."""
    with contextlib.closing(sqlite3.connect(folder / "store.db", timeout=60)) as store:
        return store.execute("SELECT name, token FROM leases ORDER BY name").fetchall()


def finish(folder: Path) -> None:
    """Run a trainer, tell it to stop, and let it learn the tail."""
    process = started_and_at_work(folder)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGTERM)
    process.join(120)
    assert process.exitcode == 0


def newest_state(folder: Path) -> dict[str, Any]:
    generation = current_generation(folder / "artifacts")
    newest = checkpoint_folders(folder / "artifacts" / "checkpoints" / str(generation))[0]
    return read_checkpoint(newest).state


def offset_reached(folder: Path) -> int:
    offset: int = newest_state(folder)["next_offsets"].get(INTERACTIONS, {}).get("0", 0)
    return offset


def outcome(folder: Path) -> dict[str, Any]:
    """Return everything that counts and must not depend on crashes."""
    state = newest_state(folder)
    with sqlite3.connect(folder / "store.db") as store, sqlite3.connect(folder / "events.db") as events:
        result = {
            "counters": state["counters"],
            "next_offsets": state["next_offsets"],
            "user_ids": state["user_ids"],
            "item_ids": state["item_ids"],
            "disliked": state["disliked"],
            "seen": set(store.execute("SELECT user_id, item_id FROM seen")),
            "n_events": dict(store.execute("SELECT user_id, n_events FROM users")),
            "rejected": sorted(events.execute('SELECT key, value FROM "log_interactions.rejected"')),
            "committed": list(events.execute("SELECT topic, next_offset FROM committed ORDER BY topic")),
        }
    store.close()
    events.close()
    return result


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a generation from 2,000 events, and a log of some thousand to learn."""
    folder = tmp_path_factory.mktemp("start")
    history = folder / "history.jsonl"
    history.write_bytes(b"\n".join(encode_event(event) for event in stream(2000, seed=1)))
    process = processes.Process(target=train_initially, args=(environment(folder), history))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    messages = [Message(event.user_id, encode_event(event)) for event in stream(N_STREAMED, seed=2)]
    for position in range(0, len(messages), 100):
        messages.insert(position, Message("garbage", b"not an event"))
    sink = SqliteEventSink(folder / "events.db")
    sink.append(INTERACTIONS, messages)
    sink.close()
    return folder


@pytest.mark.parametrize("n_kills", [4, pytest.param(40, marks=pytest.mark.nightly)])
def test_any_number_of_crashes_changes_no_count(start: Path, tmp_path: Path, n_kills: int) -> None:
    smooth, rough = tmp_path / "smooth", tmp_path / "rough"
    shutil.copytree(start, smooth)
    shutil.copytree(start, rough)
    finish(smooth)
    chance = random.Random(3)
    for number in range(n_kills):
        if number % 2:
            process = started(environment(rough))
            time.sleep(chance.uniform(0.02, 2.5))  # at its start, perhaps
        else:
            process = at_work_behind(rough, offset_reached(rough))
            time.sleep(chance.uniform(0.0, 0.4))
        assert process.is_alive()
        process.kill()
        process.join()
    finish(rough)
    wanted = outcome(smooth)
    assert outcome(rough) == wanted
    assert wanted["counters"]["n_rejected"] == N_SENT // 100
    n_events, n_repeats = wanted["counters"]["n_events"], wanted["counters"]["n_repeats"]
    assert n_events + n_repeats == N_SENT
    assert n_repeats > 0
