"""Uploads over HTTP: who may, what is taken, and what is left when one breaks off."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recommender_server.app import Rules, create_app
from recommender_server.own_data.live import live_model
from recommender_server.own_data.own_files import Tools
from streamrec.datasets.workspace import Found, FoundFile, TrainingStatus, Workspace
from streamrec.web.api_keys import ApiKeys
from tests.asgi_client import Client
from tests.unit.recommender_server.conftest import Server

HERE = {"Host": "127.0.0.1:8000"}
CSV = b"user_id,item_id,timestamp\na,x,1700000000\n"


def tools_in(folder: Path, max_bytes: int = 1000) -> Tools:
    return Tools(folder, ["false"], [], lambda: live_model(folder / "artifacts"), max_bytes)


def client_of(server: Server, tools: Tools | None, **rules: ApiKeys | None) -> Client:
    return Client(create_app(server.parts, Rules(own_data=tools, **rules)))  # type: ignore[arg-type]


@pytest.fixture
async def client(server: Server, tmp_path: Path) -> AsyncIterator[Client]:
    made = client_of(server, tools_in(tmp_path / "w"))
    yield made
    await made.shut_down()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("shop.csv", "shop.csv"),
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("K%C3%A4ufe%20%22%3Cscript%3E.csv", "K_ufe_script_.csv"),
        (".hidden.csv.gz", "hidden.csv.gz"),
        ("C%3A%5CDaten%5Ca.parquet", "a.parquet"),
    ],
)
async def test_a_file_has_a_plain_name_in_its_folder(
    client: Client, tmp_path: Path, given: str, name: str
) -> None:
    answer = await client.call("PUT", f"/v1/own-data/files/{given}", CSV, headers=HERE)
    assert (answer.status, answer.json) == (201, {"file": name, "n_bytes": len(CSV)})
    assert (tmp_path / "w" / "files" / name).read_bytes() == CSV
    state = await client.call("GET", "/v1/own-data", headers=HERE)
    assert state.json["files"] == [{"file": name, "n_bytes": len(CSV)}]
    assert (await client.call("DELETE", f"/v1/own-data/files/{name}", headers=HERE)).status == 204
    assert (await client.call("DELETE", f"/v1/own-data/files/{name}", headers=HERE)).status == 404
    assert list((tmp_path / "w" / "files").iterdir()) == []


@pytest.mark.parametrize("name", ["..", "%2F", "streamrec.toml", "%F0%9F%8E%AC", "%FF", "-._"])
async def test_names_of_which_nothing_is_left_are_refused(client: Client, name: str) -> None:
    assert (await client.call("PUT", f"/v1/own-data/files/{name}", CSV, headers=HERE)).status in (400, 404)


async def test_files_are_bounded_together_and_by_number(client: Client, tmp_path: Path) -> None:
    whole = await client.call("PUT", "/v1/own-data/files/a.csv", b"x" * 900, headers=HERE)
    more = await client.call("PUT", "/v1/own-data/files/b.csv", b"x" * 101, headers=HERE)
    again = await client.call("PUT", "/v1/own-data/files/a.csv", b"y" * 1000, headers=HERE)
    assert (whole.status, more.status, again.status) == (201, 413, 201)
    assert "STREAMREC_SERVER_MAX_UPLOAD_BYTES" in more.json["detail"]
    assert (await client.call("PUT", "/v1/own-data/files/c.csv", b"", headers=HERE)).status == 400
    assert [path.name for path in (tmp_path / "w" / "files").iterdir()] == ["a.csv"]
    await client.call("PUT", "/v1/own-data/files/a.csv", b"x", headers=HERE)
    answers = [await client.call("PUT", f"/v1/own-data/files/{n}.csv", b"x", headers=HERE) for n in range(10)]
    assert [answer.status for answer in answers] == [201] * 9 + [400]


async def test_an_upload_that_breaks_off_leaves_nothing(client: Client, tmp_path: Path) -> None:
    headers = {**HERE, "Content-Length": "500"}
    answer = await client.call("PUT", "/v1/own-data/files/a.csv", None, headers=headers)
    assert answer.status == 400
    # In chunks, whose end may be that of the connection.
    assert (await client.call("PUT", "/v1/own-data/files/a.csv", None, headers=HERE)).status == 411
    assert list((tmp_path / "w" / "files").iterdir()) == []


async def test_what_a_killed_upload_left_goes_once_it_is_old(client: Client, tmp_path: Path) -> None:
    files = tmp_path / "w" / "files"
    files.mkdir(parents=True)
    for name, age_s in ((".1-1.upload", 7200), (".1-2.upload", 60)):
        (files / name).write_bytes(b"x")
        os.utime(files / name, (time.time() - age_s,) * 2)
    await client.call("PUT", "/v1/own-data/files/a.csv", CSV, headers=HERE)
    assert sorted(path.name for path in files.iterdir()) == [".1-2.upload", "a.csv"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},  # a name of somebody's that was made to lead here
        {**HERE, "X-Forwarded-For": "127.0.0.1"},
        {**HERE, "Forwarded": "for=10.0.0.1"},
        {"Host": "10.0.0.5:8000"},
        {"Host": "127.0.0.1:no-port"},
        {"Host": "[::1"},
    ],
)
async def test_without_keys_only_this_machine_may(client: Client, headers: dict[str, str]) -> None:
    for method, path in (
        ("GET", ""),
        ("PUT", "/files/a.csv"),
        ("DELETE", "/files/a.csv"),
        ("POST", "/inspection"),
        ("POST", "/training"),
        ("DELETE", "/training"),
    ):
        answer = await client.call(method, f"/v1/own-data{path}", b"{}", headers=headers)
        assert answer.status == 403, (method, path)


async def test_with_admin_keys_only_they_may(server: Server, tmp_path: Path) -> None:
    keys, admins = tmp_path / "keys", tmp_path / "admins"
    keys.write_text("reader\n")
    admins.write_text("root\n")
    away = {"Host": "shop.example", "X-Forwarded-For": "10.1.1.1"}
    client = client_of(server, tools_in(tmp_path / "w"), keys=ApiKeys(keys), admin_keys=ApiKeys(admins))
    statuses = [
        (await client.call("GET", "/v1/own-data", headers={**away, **key})).status
        for key in ({}, {"X-API-Key": "wrong"}, {"X-API-Key": "reader"}, {"X-API-Key": "root"})
    ]
    assert statuses == [401, 401, 403, 200]
    only_admins = client_of(server, tools_in(tmp_path / "w"), admin_keys=ApiKeys(admins))
    statuses = [
        (await only_admins.call("POST", "/v1/own-data/training", json={"replaces": None}, headers=key)).status
        for key in ({}, {"X-API-Key": "reader"}, {"X-API-Key": "root"})
    ]
    assert statuses == [401, 403, 400]


async def test_where_nothing_is_taken_it_is_said(server: Server, tmp_path: Path) -> None:
    for tools in (None, tools_in(tmp_path, max_bytes=0)):
        answer = await client_of(server, tools).call("GET", "/v1/own-data", headers=HERE)
        assert answer.status == 404
        assert "STREAMREC_SERVER_MAX_UPLOAD_BYTES" in answer.json["detail"]
    lacking = client_of(server, tools_in(tmp_path)._replace(missing=["torch"]))
    assert (await lacking.call("GET", "/v1/own-data", headers=HERE)).json["missing"] == ["torch"]
    answer = await lacking.call("POST", "/v1/own-data/inspection", json={}, headers=HERE)
    assert (answer.status, "torch" in answer.json["detail"]) == (400, True)


async def test_readers_and_trainings_that_do_not_begin_are_named(client: Client, tmp_path: Path) -> None:
    assert (await client.call("POST", "/v1/own-data/inspection", json={}, headers=HERE)).status == 400
    await client.call("PUT", "/v1/own-data/files/a.csv", CSV, headers=HERE)
    answer = await client.call("POST", "/v1/own-data/inspection", json={}, headers=HERE)
    assert (answer.status, "could not be looked at" in answer.json["detail"]) == (503, True)
    bodies: list[object] = [{"replaces": None}, {}, {"replaces": 5}, []]
    for body in bodies:
        answer = await client.call("POST", "/v1/own-data/training", json=body, headers=HERE)
        assert answer.status in (400, 422)
    Workspace(tmp_path / "w").write_found(Found([FoundFile("a.csv", "events")], "..."))
    answer = await client.call("POST", "/v1/own-data/training", json={"replaces": None}, headers=HERE)
    assert (answer.status, "did not begin" in answer.json["detail"]) == (503, True)
    assert (await client.call("DELETE", "/v1/own-data/training", headers=HERE)).status == 404


async def test_while_one_trains_the_files_stay(client: Client, tmp_path: Path) -> None:
    await client.call("PUT", "/v1/own-data/files/a.csv", CSV, headers=HERE)
    workspace = Workspace(tmp_path / "w")
    workspace.write_training(TrainingStatus("running", "Training", 5.0, 1, None, as_challenger=False))
    with workspace.training_alone():
        state = await client.call("GET", "/v1/own-data", headers=HERE)
        assert state.json["training"]["state"] == "running"
        for method, path in (("PUT", "/files/a.csv"), ("DELETE", "/files/a.csv"), ("POST", "/inspection")):
            answer = await client.call(
                method, f"/v1/own-data{path}", b"{}", headers={**HERE, "Content-Type": "application/json"}
            )
            assert (answer.status, "a training runs" in answer.json["detail"]) == (400, True)
    ended = (await client.call("GET", "/v1/own-data", headers=HERE)).json["training"]
    assert ended["state"] == "failed"
    assert "killed" in ended["error"]


async def test_files_that_hold_something_else_count_as_not_there(client: Client, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    for name in ("found.json", "training.json", "told.json"):
        (tmp_path / "w" / name).write_bytes(b"[" * 5000)
    state = (await client.call("GET", "/v1/own-data", headers=HERE)).json
    assert (state["found"], state["training"], state["live"]) == (None, None, None)


async def test_a_folder_that_cannot_be_made_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w").write_text("a file where the folder should be")
    client = client_of(server, tools_in(tmp_path / "w"))
    assert (await client.call("PUT", "/v1/own-data/files/a.csv", CSV, headers=HERE)).status == 507
    assert (await client.call("GET", "/v1/own-data", headers=HERE)).json["files"] == []
