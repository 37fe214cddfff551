"""Data that an earlier version wrote is read by this one: checkpoints, snapshots, logs, stores and caches.

`tests/fixtures/written_by_0_1_0.tar.xz` is a `var/` of version 0.1.0 after a short life: an initial training
on a synthetic stream (4 dimensions), 484 events, two commands, a hidden item, an erased user, all processes
stopped by SIGTERM. `written_before_0_2_0.tar.xz` is one of the last day before 0.2.0, of the same settings,
with a challenger beside the champion, records of an erasure, fencing tokens and versions of items.
"""

import os
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.service_call import Service
from tests.e2e.processes import ROOT, Process, answer_of, eventually, gunicorn, is_ready, python

FIXTURES = ROOT / "tests" / "fixtures"

ARCHIVES = ("written_by_0_1_0", "written_before_0_2_0")

SETTINGS = {
    "STREAMREC_LEARNING_EMBEDDING_DIM": "4",
    "STREAMREC_LEARNING_N_REMEMBERED": "10",
    "STREAMREC_COVISITATION_N_KEPT": "16",
    "STREAMREC_COVISITATION_SAME_DAY_ITEMS": "5",
    "STREAMREC_TRAINER_DEDUPE_WINDOW": "200",
    "STREAMREC_TRAINER_MAX_SILENT_ITEMS": "100",
    "STREAMREC_HISTORY_MAX_ITEMS": "100",
    "STREAMREC_HISTORY_WINDOW": "5",
    "STREAMREC_HISTORY_DEDUPE_WINDOW": "200",
}


class Upgraded:
    """All four processes of today over the data of before."""

    def __init__(self, folder: Path, archive_name: str) -> None:
        with tarfile.open(FIXTURES / f"{archive_name}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        self.store = folder / "var" / "store.db"
        index_port, recommender_port = free_port(), free_port()
        index_url = f"http://127.0.0.1:{index_port}"
        environment = {**SETTINGS, "STREAMREC_INDEX_URL": index_url}
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
        commands = {
            "index": gunicorn("faiss_server", index_port),
            "recommender": gunicorn("recommender_server", recommender_port),
            "trainer": python(str(ROOT / "incremental_training.py")),
            "history": python("-m", "streamrec", "history"),
        }
        self.processes = {
            name: Process(folder, name, command, environment) for name, command in commands.items()
        }
        self.index = Service(index_url)
        self.recommender = Service(f"http://127.0.0.1:{recommender_port}")

    def user(self, user_id: str) -> dict[str, Any]:
        answer = answer_of(self.recommender, f"/v1/users/{user_id}")
        return answer if isinstance(answer, dict) else {}

    def n_events_by_user(self) -> dict[str, int]:
        with sqlite3.connect(self.store) as connection:
            return dict(connection.execute("SELECT user_id, n_events FROM users"))


@pytest.fixture(params=ARCHIVES)
def upgraded(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Upgraded]:
    upgraded = Upgraded(tmp_path, request.param)
    yield upgraded
    for process in upgraded.processes.values():
        process.end()


def test_everything_goes_on_from_what_an_earlier_version_wrote(upgraded: Upgraded) -> None:
    before = upgraded.n_events_by_user()
    for process in upgraded.processes.values():
        process.start()
    eventually(lambda: is_ready(upgraded.index) and is_ready(upgraded.recommender))
    upgraded.recommender.call(
        "POST", "/v1/events", {"user_id": "u5", "item_id": "i1", "type": "buy", "value": 3.5}
    )
    eventually(lambda: upgraded.user("u5").get("n_events", 0) > before["u5"])

    # Nothing was counted twice, nobody was lost, and who was erased stays so.
    after = upgraded.n_events_by_user()
    assert after == before | {"u5": before["u5"] + 1}
    assert "gone" not in after
    assert upgraded.user("hater")["disliked"] == ["i2"]
    assert upgraded.user("buyer")["attributes"] == {"age": "30"}

    listed = upgraded.recommender.get("/v1/recommendations?user_id=u5&k=50&exclude_seen=false&explain=true")
    assert listed["degraded"] is False
    assert not {item["item_id"] for item in listed["items"]} & {"i2", "i3"}  # hidden; deleted
    assert "gmf" in {source for item in listed["items"] for source in item["explanation"]["sources"]}
    assert upgraded.recommender.get("/v1/popular?k=5")["items"]
    assert upgraded.recommender.get("/v1/items/i4/similar?by=covisitation&k=3")["items"]
    eventually(lambda: bars_of(upgraded, "i1")[-1:] == [3.5])
    for process in upgraded.processes.values():
        process.end()
        assert process.running.returncode in (0, -15), process.said()


def bars_of(upgraded: Upgraded, item_id: str) -> list[float]:
    answer = answer_of(upgraded.recommender, f"/v1/items/{item_id}/history")
    return [bar["close"] for bar in answer["bars"]] if isinstance(answer, dict) else []
