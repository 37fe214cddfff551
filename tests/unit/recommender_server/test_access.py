"""Who may use the API."""

import os
from pathlib import Path

import pytest

from recommender_server.access import ApiKeys
from recommender_server.app import Rules, create_app
from tests.asgi_client import Client
from tests.unit.recommender_server.conftest import Server

TARGET = "/v1/popular?k=1"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-API-Key": "wrong"}, 401),
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": "# a comment"}, 401),
        ({"Authorization": "Basic first"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"X-API-Key": "first"}, 200),
        ({"Authorization": "Bearer second"}, 200),
        ({"Authorization": "bearer second"}, 200),
    ],
)
async def test_a_key_of_the_file_is_needed(server: Server, headers: dict[str, str], status: int) -> None:
    server.key_file.write_text("first\n\n  second  \n# a comment\n")
    answer = await server.guarded.call("GET", TARGET, headers=headers)
    assert answer.status == status
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_key_counts_as_soon_as_the_file_says_so_and_no_longer(server: Server) -> None:
    async def status_with(key: str) -> int:
        return (await server.guarded.call("GET", TARGET, headers={"X-API-Key": key})).status

    assert await status_with("key") == 401  # there is no file yet
    server.key_file.write_text("key")
    assert await status_with("key") == 200
    replacement = server.key_file.with_suffix(".new")
    replacement.write_text("other")
    os.replace(replacement, server.key_file)
    assert (await status_with("key"), await status_with("other")) == (401, 200)
    server.key_file.unlink()
    assert await status_with("other") == 401
    server.key_file.write_bytes(b"\xff\xfe")
    assert await status_with("other") == 401


async def test_health_and_documents_are_open(server: Server) -> None:
    for target in ("/health/live", "/health/ready", "/openapi.json", "/docs"):
        assert (await server.guarded.call("GET", target)).status == 200
    assert (await server.guarded.call("GET", "/v1/no/such/route")).status == 401


async def test_with_admin_keys_others_change_nothing(server: Server, tmp_path: Path) -> None:
    admins = tmp_path / "admins"
    admins.write_text("root\n")
    server.key_file.write_text("plain\n")
    rules = Rules(keys=ApiKeys(server.key_file), admin_keys=ApiKeys(admins))
    client = Client(create_app(server.parts, rules))

    async def asked(method: str, target: str, key: str | None, json: object = None) -> int:
        headers = {} if key is None else {"X-API-Key": key}
        return (await client.call(method, target, headers=headers, json=json)).status

    changes: list[tuple[str, str, object]] = [
        ("PUT", "/v1/items/i1", {"is_hidden": True}),
        ("PUT", "/v1/items", [{"item_id": "i1"}]),
        ("DELETE", "/v1/items/i1", None),
        ("PUT", "/v1/users/u", {"attributes": {}}),
        ("DELETE", "/v1/users/u", None),
    ]
    for method, target, body in changes:
        refused = [await asked(method, target, key, body) for key in (None, "wrong", "plain")]
        assert (refused, await asked(method, target, "root", body)) == ([401, 401, 403], 204)
    # Nor do they read the ids of all users page by page, also from the first page on.
    for target in ("/v1/users?after=", "/v1/users?prefix=u&after=u"):
        answers = [await asked("GET", target, key) for key in (None, "wrong", "plain", "root")]
        assert answers == [401, 401, 403, 200]
    assert await asked("GET", "/v1/users?prefix=u", "plain") == 200
    event = {"user_id": "u", "item_id": "i1"}
    assert [await asked("POST", "/v1/events", key, event) for key in ("plain", "root")] == [202, 202]
    told = [await client.call("GET", "/v1/status", headers={"X-API-Key": key}) for key in ("plain", "root")]
    assert [answer.json["may_change"] for answer in told] == [False, True]
    await client.shut_down()


async def test_admin_keys_alone_leave_the_rest_open(server: Server, tmp_path: Path) -> None:
    admins = tmp_path / "admins"
    client = Client(create_app(server.parts, Rules(admin_keys=ApiKeys(admins))))
    assert (await client.call("GET", TARGET)).status == 200
    assert (await client.call("DELETE", "/v1/users/u")).status == 401
    assert (await client.call("DELETE", "/v1/users/u", headers={"X-API-Key": "any"})).status == 403
    await client.shut_down()
