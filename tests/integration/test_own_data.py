"""Own files over HTTP, from the upload to a live model, by the commands that the recommender starts."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender_server.app import Parts, Rules, create_app
from recommender_server.own_data.live import live_model
from recommender_server.own_data.own_files import Tools
from streamrec.adapters.files.snapshots import current_generation, read_snapshot
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.ports import VectorTable
from streamrec.telemetry import NullMetrics
from tests.asgi_client import Answer, Client

HERE = {"Host": "localhost:8000"}
PATIENCE_S = 240.0

ODD = "<script>alert(1)</script>"


def shop(n_events: int = 600) -> bytes:
    rng = random.Random(3)
    rows = [
        f"u{rng.randrange(20)},p{rng.randrange(30)},{1_700_000_000 + n * 60},{ODD}" for n in range(n_events)
    ]
    return "\n".join(["who,what,at,odd", *rows]).encode()


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.artifacts = folder / "artifacts"
        index = MemoryIndex({"g": VectorTable([], np.zeros((0, 2), np.float32))})
        parts = Parts(MemoryStore(), MemoryCache(), index, MemoryEventSink(MemoryEventLog()), NullMetrics())
        command = [sys.executable, "-m", "streamrec", "own-data"]
        tools = Tools(folder / "w", command, [], lambda: live_model(self.artifacts), 10_000_000)
        self.client = Client(create_app(parts, Rules(own_data=tools)))

    async def call(self, method: str, path: str, body: bytes | None = None, json: Any = None) -> Answer:
        return await self.client.call(method, f"/v1/own-data{path}", body, json, HERE)

    async def training(self) -> dict[str, Any]:
        training: dict[str, Any] = (await self.call("GET", "")).json["training"]
        return training

    async def ended(self) -> dict[str, Any]:
        for _ in range(int(PATIENCE_S / 0.2)):
            if (training := await self.training())["state"] != "running":
                return training
            await asyncio.sleep(0.2)
        raise AssertionError(await self.training())


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name in ("EVENTS", "STORE", "CACHE"):
        monkeypatch.setenv(f"STREAMREC_{name}_URL", f"sqlite:///{tmp_path}/{name.lower()}.db")
    monkeypatch.setenv("STREAMREC_ARTIFACTS_DIR", str(tmp_path / "artifacts"))
    made = World(tmp_path)
    yield made
    await made.client.shut_down()


async def test_files_are_looked_at_mapped_and_learned(world: World) -> None:
    await world.call("PUT", "/files/shop.csv", shop())
    await world.call("PUT", "/files/broken.csv", b"PK\x03\x04 no csv")
    found = (await world.call("POST", "/inspection", json={})).json
    by_name = {file["file"]: file for file in found["files"]}
    assert found["config"] is None
    assert "zip archive" in by_name["broken.csv"]["problem"]
    assert str(world.folder) not in str(found)
    refused = await world.call("POST", "/training", json={"replaces": None})
    assert (refused.status, "look at the files" in refused.json["detail"]) == (400, True)

    await world.call("DELETE", "/files/broken.csv")
    assert (await world.call("GET", "")).json["found"] is None  # of other files
    told = {"file": "shop.csv", "map": {"user_id": "who", "item_id": "what", "timestamp": "at", "type": ""}}
    found = (await world.call("POST", "/inspection", json={"files": [told]})).json
    (file,) = found["files"]
    assert {role["field"]: role["column"] for role in file["roles"]} == {
        "user_id": "who",
        "item_id": "what",
        "timestamp": "at",
    }
    assert file["rows"][0][3] == ODD
    assert "shop.csv" in found["config"]

    begun = await world.call("POST", "/training", json={"replaces": None})
    assert (begun.status, begun.json["state"]) == (202, "running")
    again = await world.call("POST", "/training", json={"replaces": None})
    assert (again.status, "a training runs" in again.json["detail"]) == (400, True)
    done = await world.ended()
    assert (done["state"], done["error"]) == ("done", None)
    live = (await world.call("GET", "")).json["live"]
    assert live["generation"] == done["generation"] == current_generation(world.artifacts)
    assert live["learned_from"].startswith("shop")
    assert len(read_snapshot(world.artifacts, done["generation"]).users.ids) == 20

    # Somebody who saw another model, or none, does not replace this one.
    begun = await world.call("POST", "/training", json={"replaces": None})
    assert begun.status == 202, begun.json
    refused_later = await world.ended()
    assert refused_later["state"] == "failed"
    assert "look, and ask again" in refused_later["error"]
    assert current_generation(world.artifacts) == live["generation"]


async def test_a_training_that_is_ended_replaces_nothing_and_says_so(world: World) -> None:
    await world.call("PUT", "/files/shop.csv", shop())
    await world.call("POST", "/inspection", json={})
    for how, state in (("killed", "failed"), ("cancelled", "cancelled"), ("the service ends", "cancelled")):
        begun = await world.call("POST", "/training", json={"replaces": None})
        if how == "killed":
            os.kill(begun.json["pid"], signal.SIGKILL)
        elif how == "cancelled":
            assert (await world.call("DELETE", "/training")).status == 204
        else:
            await world.client.shut_down()
        ended = await world.ended()
        assert ended["state"] == state, (how, ended)
        assert current_generation(world.artifacts) is None
        assert (await world.call("DELETE", "/training")).status == 404
