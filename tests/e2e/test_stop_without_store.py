"""SIGTERM while the document store hangs, and comes back: nothing counts as done that was not published."""

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

from streamrec.adapters.sqlite.events import SqliteEventSink
from streamrec.cli.launch.local_servers import MONGODB, LocalServer
from streamrec.ports import INTERACTIONS, Message
from streamrec.wire import encode_event
from tests.conftest import running
from tests.e2e.test_crash import environment, newest_state, processes, started, stream, train_initially

N_ROUNDS = 3

N_OF_ROUND = 300

BOUND_S = 120.0
"""Of the end after a second signal: an attempt that is under way, giving the lease up, and a busy machine."""


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[LocalServer]:
    """A document store of the test's own: it is stopped."""
    yield from running(MONGODB, tmp_path)


def send(folder: Path, number: int) -> None:
    sink = SqliteEventSink(folder / "events.db")
    messages = [Message(event.user_id, encode_event(event)) for event in stream(N_OF_ROUND, seed=number)]
    sink.append(INTERACTIONS, messages)
    sink.close()


def variables(folder: Path, mongo: LocalServer) -> dict[str, str]:
    options = "serverSelectionTimeoutMS=200&socketTimeoutMS=200&connectTimeoutMS=200"
    return environment(folder) | {
        "STREAMREC_STORE_URL": f"{mongo.url}/{folder.name}?{options}",
        "STREAMREC_TRAINER_LEASE_DURATION_S": "60",  # it is not what notices the store's silence
        "STREAMREC_LOG_LEVEL": "CRITICAL",
    }


def n_published(folder: Path, mongo: LocalServer) -> int:
    with pymongo.MongoClient[dict[str, Any]](mongo.url) as client:
        return sum(user.get("n_events", 0) for user in client[folder.name]["users"].find())


def outcome(folder: Path, mongo: LocalServer) -> dict[str, Any]:
    state = newest_state(folder)
    kept = ("counters", "next_offsets", "user_ids", "item_ids", "disliked")
    with pymongo.MongoClient[dict[str, Any]](mongo.url) as client:
        store = client[folder.name]
        return {name: state[name] for name in kept} | {
            "seen": {(pair["_id"]["user_id"], pair["_id"]["item_id"]) for pair in store["seen"].find()},
            "users": {
                user["_id"]: (user.get("n_events"), user.get("recent"), user.get("disliked"))
                for user in store["users"].find()
            },
        }


def release_lease(folder: Path, mongo: LocalServer) -> None:
    """Let the next trainer not wait for the lease of one that could not give it up."""
    with pymongo.MongoClient[dict[str, Any]](mongo.url) as client:
        client[folder.name]["leases"].update_many({}, {"$set": {"expires_at": 0.0}})


def train_through(folder: Path, mongo: LocalServer, *, is_disturbed: bool) -> None:
    """Learn each round's events in a process of its own; the last one ends in good order always."""
    chance = random.Random(5)
    for number in range(N_ROUNDS):
        process = started(variables(folder, mongo))
        before = n_published(folder, mongo)
        send(folder, 100 + number)
        deadline = time.monotonic() + 120
        while n_published(folder, mongo) == before:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        if is_disturbed and number < N_ROUNDS - 1:
            mongo.freeze()
            time.sleep(chance.uniform(0.0, 1.0))
            os.kill(process.pid or 0, signal.SIGTERM)
            time.sleep(chance.uniform(0.0, 0.3))
            os.kill(process.pid or 0, signal.SIGTERM)
            began = time.monotonic()
            time.sleep(chance.uniform(0.0, 0.5))
            mongo.thaw()
            process.join(BOUND_S)
            assert time.monotonic() - began < BOUND_S
        else:
            os.kill(process.pid or 0, signal.SIGTERM)
            process.join(120)
            assert process.exitcode == 0
        release_lease(folder, mongo)


def test_a_hanging_store_that_comes_back_at_the_end_loses_nothing(mongo: LocalServer, tmp_path: Path) -> None:
    smooth, rough = tmp_path / "smooth", tmp_path / "rough"
    smooth.mkdir()
    history = tmp_path / "history.jsonl"
    history.write_bytes(b"\n".join(encode_event(event) for event in stream(1000, seed=1)))
    training = processes.Process(target=train_initially, args=(variables(smooth, mongo), history))
    training.start()
    training.join(120)
    assert training.exitcode == 0
    shutil.copytree(smooth, rough)
    with pymongo.MongoClient[dict[str, Any]](mongo.url) as client:
        for name in client["smooth"].list_collection_names():
            if documents := list(client["smooth"][name].find()):
                client["rough"][name].insert_many(documents)
    train_through(smooth, mongo, is_disturbed=False)
    train_through(rough, mongo, is_disturbed=True)
    assert outcome(rough, mongo) == outcome(smooth, mongo)
