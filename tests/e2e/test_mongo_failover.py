"""A replica set of three whose primary is killed: trainer and recommender follow, and nothing is lost."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import PyMongoError

from streamrec.cli.launch.local_servers import MONGODB, LocalServer, free_port
from streamrec.cli.service_call import Service
from streamrec.errors import StreamrecError
from tests.conftest import REQUIRED
from tests.e2e.processes import ROOT, Process, eventually, gunicorn, is_ready, python

N_EVENTS = 300
PAUSE_S = 0.03
ELECTION_MS = 2000


class ReplicaSet:
    """Three members on this machine."""

    def __init__(self, folder: Path) -> None:
        self.members = []
        for number in range(3):
            (folder / str(number)).mkdir()
            member = LocalServer(MONGODB, folder / str(number), extra=("--replSet", "rs"))
            self.members.append(member.start())
        hosts = [f"127.0.0.1:{member.port}" for member in self.members]
        self.url = f"mongodb://{','.join(hosts)}/streamrec?replicaSet=rs"
        members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
        settings = {"electionTimeoutMillis": ELECTION_MS}
        with pymongo.MongoClient[Any](self.members[0].url, directConnection=True) as client:
            client.admin.command("replSetInitiate", {"_id": "rs", "members": members, "settings": settings})
        eventually(lambda: self.primary() is not None and self.n_secondaries() == 2)

    def primary(self) -> LocalServer | None:
        return next((member for member in self.members if _said(member).get("isWritablePrimary")), None)

    def n_secondaries(self) -> int:
        return sum(bool(_said(member).get("secondary")) for member in self.members)

    def documents(self, collection: str) -> list[dict[str, Any]]:
        with pymongo.MongoClient[Any](self.url) as client:
            return list(client["streamrec"][collection].find())


def _said(member: LocalServer) -> dict[str, Any]:
    try:
        with pymongo.MongoClient[Any](
            member.url, directConnection=True, serverSelectionTimeoutMS=200
        ) as client:
            return dict(client.admin.command("hello"))
    except PyMongoError:
        return {}


@pytest.fixture
def replica_set(tmp_path: Path) -> Iterator[ReplicaSet]:
    if why_not := MONGODB.why_not():
        (pytest.fail if REQUIRED else pytest.skip)(why_not)
    replica_set = ReplicaSet(tmp_path)
    yield replica_set
    for member in replica_set.members:
        member.kill()


@pytest.mark.nightly
def test_a_primary_that_is_killed_costs_no_event_no_change_and_no_restart(
    replica_set: ReplicaSet, tmp_path: Path
) -> None:
    environment = {"STREAMREC_STORE_URL": replica_set.url, "STREAMREC_INDEX_URL": "inproc:"}
    command = python("-m", "streamrec.cli.training.first_model")
    assert Process(tmp_path, "first", command, environment).start().exit_code() == 0
    port = free_port()
    trainer = Process(tmp_path, "trainer", python(str(ROOT / "incremental_training.py")), environment)
    server = Process(tmp_path, "server", gunicorn("recommender_server", port), environment)
    service = Service(f"http://127.0.0.1:{port}", timeout_s=60.0)
    try:
        for process in (trainer, server):
            process.start()
        eventually(lambda: is_ready(service))
        trainer.wait_for_words("next_offsets")
        killing = threading.Timer(N_EVENTS * PAUSE_S / 3, _kill_primary, [replica_set])
        killing.start()
        for number in range(N_EVENTS):
            event = {"user_id": f"u{number % 20}", "item_id": f"i{number}", "timestamp": time.time()}
            service.call("POST", "/v1/events", event)
            if number % 10 == 0:
                _patiently(service, f"/v1/users/a{number}", {"attributes": {"n": number}})
            time.sleep(PAUSE_S)
        killing.join()
        assert sum(_said(member) != {} for member in replica_set.members) == 2
        wanted = {(f"u{number % 20}", f"i{number}") for number in range(N_EVENTS)}
        eventually(lambda: _seen(replica_set) == wanted)
        eventually(lambda: _counted(replica_set) == N_EVENTS)
        told = {one["_id"]: one.get("attributes") for one in replica_set.documents("users")}
        assert [n for n in range(0, N_EVENTS, 10) if f"a{n}" not in told] == []
        eventually(lambda: not service.get("/v1/recommendations?user_id=u1&k=5")["degraded"])
        assert [process.running.poll() for process in (trainer, server)] == [None, None]
    finally:
        for process in (trainer, server):
            process.end()


def _kill_primary(replica_set: ReplicaSet) -> None:
    primary = replica_set.primary()
    assert primary is not None
    primary.kill()


def _patiently(service: Service, path: str, body: dict[str, Any]) -> None:
    def is_done() -> bool:
        try:
            service.call("PUT", path, body)
        except StreamrecError as error:
            assert error.retriable, error
            return False
        return True

    eventually(is_done)


def _seen(replica_set: ReplicaSet) -> set[tuple[str, str]]:
    return {(one["_id"]["user_id"], one["_id"]["item_id"]) for one in replica_set.documents("seen")}


def _counted(replica_set: ReplicaSet) -> int:
    return sum(one.get("n_events", 0) for one in replica_set.documents("users"))
