"""Experiments over HTTP: definitions are edited, and what is wrong with one is said."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from recommender_server.app import Rules, create_app
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.experiments.exposure import decode_exposure
from streamrec.ports import IMPRESSIONS, INTERACTIONS
from streamrec.web.api_keys import ApiKeys
from streamrec.wire import decode_event
from tests.asgi_client import Answer, Client
from tests.unit.recommender_server.conftest import Server

X = "/v1/experiments/x"
BODY: dict[str, Any] = {
    "variants": [{"name": "a"}, {"name": "b", "changes": {"diversity": 0.5}}],
    "control": "a",
    "primary": "ctr",
}


@pytest.fixture
async def running(server: Server) -> AsyncIterator[Client]:
    """A server that reads the definitions, as it does once it has started."""
    async with Client(create_app(server.parts, Rules())).running() as client:
        yield client


async def assigned(client: Client, *, is_wanted: bool) -> Answer:
    async with asyncio.timeout(300):
        while True:
            answer = await client.call(
                "GET", "/v1/recommendations?user_id=u", headers={"X-Request-ID": "r-7"}
            )
            assert answer.status == 200
            if ("experiments" in answer.json) == is_wanted:
                return answer
            await asyncio.sleep(0.02)


async def test_an_experiment_lives_from_draft_to_deletion(running: Client) -> None:
    created = await running.call("PUT", X, json=BODY)
    assert (created.status, created.json["version"], created.json["state"]) == (200, 1, "draft")
    assert (await running.call("PUT", X, json=BODY | {"version": 1, "state": "running"})).json["era"] == 2
    answer = await assigned(running, is_wanted=True)
    assert answer.json["request_id"] == "r-7"
    assert answer.json["experiments"]["x"] in ("a", "b")
    ramped = await running.call("POST", f"{X}/ramp", json={"percent": 5})
    assert (ramped.json["version"], ramped.json["era"], ramped.json["ramp"]) == (3, 2, 5)
    stopped = await running.call("POST", f"{X}/stop", json={"reason": "enough"})
    assert (stopped.json["stopped_by"], stopped.json["reason"]) == ("admin", "enough")
    assert (await running.call("POST", f"{X}/stop", json={})).json == stopped.json
    await assigned(running, is_wanted=False)
    told = (await running.call("GET", X)).json
    assert told == {"definition": stopped.json, "results": None}
    assert (await running.call("GET", "/v1/experiments")).json == {
        "experiments": [stopped.json],
        "broken": {},
        "paused": {},
    }
    assert (await running.call("DELETE", X)).status == 204
    assert (await running.call("DELETE", X)).status == 404
    assert (await running.call("GET", X)).status == 404


async def test_what_was_shown_is_in_the_log_when_the_server_has_ended(server: Server) -> None:
    async with Client(create_app(server.parts, Rules())).running() as client:
        await client.call("PUT", X, json=BODY | {"state": "running"})
        await assigned(client, is_wanted=True)
    shown = [decode_exposure(one.value) for one in server.log.records[IMPRESSIONS]]
    assert {(one.request_id, one.user_id, one.route) for one in shown} == {("r-7", "u", "recommendations")}


async def test_of_two_editors_the_second_is_told(server: Server) -> None:
    client = server.client
    await client.call("PUT", X, json=BODY)
    for version, words in ((0, "already, at version 1"), (7, "version 1 is stored")):
        refused = await client.call("PUT", X, json=BODY | {"version": version})
        assert (refused.status, refused.headers["content-type"]) == (409, "application/problem+json")
        assert words in refused.json["detail"]
    gone = await client.call("PUT", "/v1/experiments/never", json=BODY | {"version": 3})
    assert "version 0 creates it" in gone.json["detail"]
    assert (await client.call("PUT", X, json=BODY | {"version": 1})).json["version"] == 2


async def test_a_running_experiment_is_not_deleted_and_a_draft_not_ramped(server: Server) -> None:
    client = server.client
    await client.call("PUT", X, json=BODY)
    assert (await client.call("POST", f"{X}/ramp", json={"percent": 5})).status == 400
    await client.call("PUT", X, json=BODY | {"version": 1, "state": "running"})
    assert (await client.call("DELETE", X)).status == 409


async def test_experiments_that_would_share_users_are_refused(server: Server) -> None:
    client = server.client
    running = BODY | {"state": "running"}
    await client.call("PUT", X, json=running | {"slice": [0, 50]})
    refused = await client.call("PUT", "/v1/experiments/y", json=running)
    assert refused.status == 400
    assert "choose a slice beside it" in refused.json["detail"]
    assert (await client.call("PUT", "/v1/experiments/y", json=running | {"slice": [50, 100]})).status == 200


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"control": "c"}, 400, "none of the variants"),
        ({"variants": BODY["variants"][:1]}, 422, "length >= 2"),
        ({"primary": "money"}, 422, "money"),
        ({"rampp": 5}, 422, "rampp"),
        ({"ramp": 101}, 422, "ramp"),
        ({"created_at": 5}, 422, "created_at"),
        ({"variants": [{"name": "a", "changes": {"sources": ["x"]}}, {"name": "b"}]}, 400, "the sources are"),
        (
            {
                "variants": [{"name": "a", "changes": {"generation": "challenger"}}, {"name": "b"}],
                "state": "running",
            },
            400,
            "there is no challenger",
        ),
    ],
)
async def test_a_wrong_definition_is_refused_with_the_reason(
    server: Server, change: dict[str, Any], status: int, words: str
) -> None:
    refused = await server.client.call("PUT", X, json=BODY | change)
    assert refused.status == status
    assert words in refused.json["detail"]
    assert (await server.client.call("GET", X)).status == 404


@pytest.mark.parametrize("id_", ["A", "a%2Fb", "x" * 65, "%F0%9F%8E%AC", "a.b"])
async def test_an_id_is_a_plain_word(server: Server, id_: str) -> None:
    assert (await server.client.call("PUT", f"/v1/experiments/{id_}", json=BODY)).status == 400
    assert (await server.client.call("GET", f"/v1/experiments/{id_}")).status == 404


@pytest.mark.parametrize(("path", "body"), [("ramp", {"percent": -1}), ("ramp", {}), ("stop", {"reason": 5})])
async def test_a_wrong_order_is_refused(server: Server, path: str, body: dict[str, Any]) -> None:
    await server.client.call("PUT", X, json=BODY | {"state": "running"})
    assert (await server.client.call("POST", f"{X}/{path}", json=body)).status == 422
    assert (await server.client.call("POST", f"/v1/experiments/y/{path}", json={"percent": 5})).status in (
        404,
        422,
    )


class Meeting(MemoryStore):
    """A store in which the first two definitions arrive at one moment."""

    def __init__(self) -> None:
        super().__init__()
        self._both = asyncio.Barrier(2)
        self._n_arrived = 0

    async def put_experiment(self, experiment: Experiment, after: int) -> bool:
        self._n_arrived += 1
        if self._n_arrived <= 2:
            await self._both.wait()
        return await super().put_experiment(experiment, after)


async def test_of_two_that_start_at_one_moment_no_user_is_in_both(server: Server) -> None:
    parts = dataclasses.replace(server.parts, store=Meeting())
    client = Client(create_app(parts, Rules()))
    body = BODY | {"state": "running"}
    answers = await asyncio.gather(*(client.call("PUT", f"/v1/experiments/{n}", json=body) for n in "ab"))
    refused = [answer for answer in answers if answer.status == 409]
    assert refused
    assert "at the same moment" in refused[0].json["detail"]
    told = (await client.call("GET", "/v1/experiments")).json["experiments"]
    states = [one["state"] for one in told]
    assert states.count("running") == 2 - len(refused)
    assert states.count("stopped") == len(refused)
    await client.shut_down()


async def test_a_definition_that_can_not_be_read_is_told_and_can_be_deleted(server: Server) -> None:
    server.store.documents["x"] = 1, b"{"
    told = (await server.client.call("GET", "/v1/experiments")).json
    assert told["experiments"] == []
    assert told["broken"].keys() == {"x"}
    assert (await server.client.call("GET", X)).status == 409
    assert (await server.client.call("PUT", X, json=BODY)).status == 409
    assert (await server.client.call("DELETE", X)).status == 204
    assert (await server.client.call("PUT", X, json=BODY)).status == 200


async def test_results_are_told_as_they_were_written(server: Server) -> None:
    await server.client.call("PUT", X, json=BODY)
    lease = server.store.acquire("attribution", "test", 1e9, 0.0)
    assert lease is not None
    for written, told in ((b'{"users": 3, "new": [1]}', {"users": 3, "new": [1]}), (b"{", None)):
        server.store.write_results("x", written, lease)
        assert (await server.client.call("GET", X)).json["results"] == told


async def test_an_admin_key_is_wanted_where_there_are_some(server: Server, tmp_path: Path) -> None:
    admin, plain = tmp_path / "admin", tmp_path / "plain"
    admin.write_text("boss\n")
    plain.write_text("clerk\n")
    client = Client(create_app(server.parts, Rules(keys=ApiKeys(plain), admin_keys=ApiKeys(admin))))
    calls: list[tuple[str, str, object]] = [
        ("PUT", X, BODY | {"state": "running"}), ("GET", X, None), ("GET", "/v1/experiments", None),
        ("POST", f"{X}/ramp", {"percent": 5}), ("POST", f"{X}/stop", {"reason": ""}), ("DELETE", X, None),
    ]  # fmt: skip
    for method, path, body in calls:
        assert (await client.call(method, path, json=body)).status == 401
        for key, statuses in (("clerk", {403}), ("boss", {200, 204})):
            answer = await client.call(method, path, json=body, headers={"X-API-Key": key})
            assert answer.status in statuses, (method, path, key, answer)
    await client.shut_down()


async def test_an_event_keeps_the_id_of_its_answer(server: Server) -> None:
    event = {"user_id": "u", "item_id": "i1", "request_id": "r-7"}
    assert (await server.client.call("POST", "/v1/events", json=event)).status == 202
    plain = {"user_id": "u", "item_id": "i1"}
    assert (await server.client.call("POST", "/v1/events", json=plain)).status == 202
    first, second = (one.value or b"" for one in server.log.records[INTERACTIONS])
    assert decode_event(first, 0.0).request_id == "r-7"
    assert b"request_id" not in second
    refused = await server.client.call("POST", "/v1/events", json=event | {"request_id": "r" * 129})
    assert refused.status == 422
    doubled = json.dumps(event)[:-1] + ', "request_id": "r-8"}'
    answer = await server.client.call(
        "POST", "/v1/events", body=doubled.encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status == 422
