"""Who may use the API."""

import os
import re
from pathlib import Path

import falcon.asgi
import falcon.testing
import pytest
from structlog.testing import capture_logs

from recommender_server.app import Parts, Rules, create_app
from recommender_server.middleware import ADMIN_ALONE, Access
from recommender_server.openapi import OPERATIONS
from streamrec.log_limits import forget_warnings
from streamrec.telemetry import NullMetrics
from streamrec.web.api_keys import ApiKeys
from streamrec.web.rates import RateLimit
from tests.asgi_client import Answer, Client
from tests.unit.recommender_server.conftest import Server

TARGET = "/v1/popular?k=1"

_ADMINS = re.compile("/v1/(experiments|own-data)")

METHODS_AND_PATHS = [
    (operation.method.upper(), operation.path)
    for operation in OPERATIONS
    if operation.path.startswith("/v1/")
]


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
    server.key_file.write_text("other\nnext\n")  # while clients are given the next one
    assert (await status_with("other"), await status_with("next")) == (200, 200)
    server.key_file.write_text("next\n")
    assert (await status_with("other"), await status_with("next")) == (401, 200)


class Counted(NullMetrics):
    def __init__(self) -> None:
        self.names: list[str] = []

    def count(self, name: str, n: int = 1) -> None:
        self.names.append(name)


@pytest.mark.parametrize(
    "content", [None, b"\xff\xfe", b"", b"# none\n", b"good\nnew re ad write\n", b"good\n\x00\x01\n"]
)
async def test_a_damaged_file_counts_as_it_was_before(
    server: Server, tmp_path: Path, content: bytes | None
) -> None:
    path, metrics = tmp_path / "counted", Counted()
    client = Client(create_app(server.parts, Rules(keys=ApiKeys(path, metrics))))

    async def statuses() -> list[int]:
        keys = ("good", "new")
        return [(await client.call("GET", TARGET, headers={"X-API-Key": key})).status for key in keys]

    forget_warnings()
    path.write_text("good\n")
    assert (await statuses(), metrics.names) == ([200, 401], [])
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with capture_logs() as logs:
        assert [await statuses(), await statuses()] == [[200, 401]] * 2
    assert metrics.names == ["recommender.keys_files_damaged"]
    (told,) = [log for log in logs if log["event"] == "keys_file_damaged"]
    assert (told["path"], told["n_keys_kept"]) == (str(path), 1)
    path.write_text("new\n")
    assert (await statuses(), len(metrics.names)) == ([401, 200], 1)
    await client.shut_down()


async def test_health_and_documents_are_open(server: Server) -> None:
    for target in ("/health/live", "/health/ready", "/openapi.json", "/docs"):
        assert (await server.guarded.call("GET", target)).status == 200
    assert (await server.guarded.call("GET", "/v1/no/such/route")).status == 401


@pytest.mark.parametrize("root", ["", "/rec"])
@pytest.mark.parametrize("path", ["//v1/users/u", "///v1/users/u", "v1/users/u", "/.//v1/users/u"])
async def test_no_way_of_writing_a_path_goes_past_the_keys(server: Server, root: str, path: str) -> None:
    client = Client(create_app(server.parts, Rules(keys=ApiKeys(server.key_file), root_path=root)))
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert (await client.call(method, root + path, json={"attributes": {}})).status in (401, 404)
    assert (await server.client.call("GET", "/v1/users/u")).json["n_events"] == 3
    await client.shut_down()


def test_a_resource_asks_for_a_key_wherever_its_route_is_found() -> None:
    """Falcon's own router passes over slashes at the beginning of a path."""

    class Open:
        scopes = ADMIN_ALONE

        async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
            resp.text = "open"

    app = falcon.asgi.App(middleware=[Access(None, ApiKeys(Path("/no/such/file")))])
    app.add_route("/v1/experiments", Open())
    assert falcon.testing.TestClient(app).simulate_get("//v1/experiments").status_code == 401


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
    # Nor do they list users.
    for target in ("/v1/users", "/v1/users?after=", "/v1/users?prefix=u&after=u"):
        answers = [await asked("GET", target, key) for key in (None, "wrong", "plain", "root")]
        assert answers == [401, 401, 403, 200]
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


SCOPES = {"GET": "read", "POST": "write", "PUT": "admin", "DELETE": "admin"}
OTHERWISE = {
    ("GET", "/v1/users"): "admin",
    ("POST", "/v1/recommendations:batch"): "read",
    **{(method, path): "admin" for method, path in METHODS_AND_PATHS if _ADMINS.match(path)},
}


@pytest.mark.parametrize(("method", "path"), METHODS_AND_PATHS)
async def test_each_route_asks_for_its_scope(server: Server, method: str, path: str) -> None:
    scopes = ("read", "write", "admin")
    lines = [*(f"{scope} {scope}" for scope in scopes), "both read\twrite", "all"]
    server.key_file.write_text("\n".join(lines))
    needed = OTHERWISE.get((method, path), SCOPES[method])
    let_in = {needed, "admin", "all", *({"both"} if needed != "admin" else ())}
    target = re.sub("{.*?}", "x", path)
    for key in (*scopes, "both", "all"):
        answer = await server.guarded.call(method, target, headers={"X-API-Key": key})
        assert (answer.status != 403) == (key in let_in), key
        assert answer.status != 401, key
        if key not in let_in:
            assert f"scope {needed}," in answer.json["detail"]
    assert (await server.guarded.call(method, target)).status == 401


async def test_a_key_that_stands_twice_opens_what_either_line_says(server: Server) -> None:
    server.key_file.write_text("key read\nkey write\n")
    headers = {"X-API-Key": "key"}
    event = {"user_id": "u", "item_id": "i1"}
    assert (await server.guarded.call("GET", TARGET, headers=headers)).status == 200
    assert (await server.guarded.call("POST", "/v1/events", headers=headers, json=event)).status == 202
    assert (await server.guarded.call("DELETE", "/v1/users/u", headers=headers)).status == 403
    assert (await server.guarded.call("PATCH", "/v1/users/u", headers=headers)).status == 405


async def test_who_asks_too_often_is_told_when_to_come_again(server: Server) -> None:
    server.key_file.write_text("one\nother\n")
    metrics = Counted()
    rules = Rules(keys=ApiKeys(server.key_file), rate_of_keys=RateLimit(0.5, 4.0))
    client = Client(create_app(Parts(**{**vars(server.parts), "metrics": metrics}), rules))

    async def asked(key: str, n: int) -> list[Answer]:
        return [await client.call("GET", TARGET, headers={"X-API-Key": key}) for _ in range(n)]

    answers = await asked("one", 4)
    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
    assert [answer.status for answer in await asked("other", 3)] == [200, 200, 429]
    assert [answer.status for answer in await asked("wrong", 5)] == [401] * 5
    assert metrics.names.count("recommender.rate_limited") == 3
    await client.shut_down()


async def test_an_address_that_tries_keys_is_slowed_down(server: Server) -> None:
    server.key_file.write_text("key\n")
    rules = Rules(keys=ApiKeys(server.key_file), rate_of_addresses=RateLimit(0.01, 300.0))
    client = Client(create_app(server.parts, rules))
    statuses = [
        (await client.call("GET", TARGET, headers={"X-API-Key": str(number)})).status for number in range(5)
    ]
    assert statuses == [401, 401, 401, 429, 429]
    # Health is asked for by what restarts us.
    assert (await client.call("GET", "/health/live")).status == 200
    await client.shut_down()
