import re

import pytest
import structlog
from structlog.testing import capture_logs

from recommender_server.app import Parts, Rules, create_app
from streamrec.telemetry import NullMetrics
from tests.asgi_client import Client
from tests.unit.recommender_server.conftest import Server

HEADER = "x-request-id"


class Counted(NullMetrics):
    def __init__(self) -> None:
        self.names: list[str] = []

    def count(self, name: str, n: int = 1) -> None:
        self.names.append(name)


async def test_requests_are_counted_by_route_and_class_of_status(server: Server) -> None:
    metrics = Counted()
    client = Client(create_app(Parts(**{**vars(server.parts), "metrics": metrics}), Rules()))
    await client.call("GET", "/v1/items/a%2Fb")
    await client.call("GET", "/v1/popular?k=0")
    await client.call("GET", "/health/live")
    await client.call("PATCH", "/health/live")
    await client.call("GET", "/nowhere/at/all")
    await client.shut_down()
    assert [name for name in metrics.names if ".requests." in name] == [
        "recommender.requests.item.get.4xx",
        "recommender.requests.popular.get.4xx",
        "recommender.requests.live.get.2xx",
        "recommender.requests.live.other.4xx",
        "recommender.requests.none.get.4xx",
    ]


@pytest.mark.parametrize(("slow_s", "level"), [(60.0, "debug"), (1e-9, "warning")])
async def test_slow_requests_are_logged_louder(server: Server, slow_s: float, level: str) -> None:
    client = Client(create_app(server.parts, Rules(slow_request_s=slow_s)))
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        await client.call("GET", "/v1/users/user%2F2?x=secret", headers={HEADER: "abc"})
    await client.shut_down()
    (line,) = [log for log in logs if log["event"] == "request"]
    assert (line["log_level"], line["request_id"]) == (level, "abc")
    assert line["path"] == "/v1/users/***"  # without the query, which may hold anything, and the user's id


async def test_no_line_holds_a_users_id(server: Server) -> None:
    with capture_logs() as logs:
        answer = await server.client.call("GET", "/v1/users/some%2Fbody")
    assert "some/body" in answer.body.decode()
    assert {log["event"] for log in logs} == {"problem", "request"}
    assert not any("body" in str(log) for log in logs)


@pytest.mark.parametrize("given", ["two words", "a,b", '"quoted"', "x" * 129])
async def test_what_is_no_id_is_replaced(server: Server, given: str) -> None:
    answer = await server.client.call("GET", "/health/live", headers={HEADER: given})
    assert re.fullmatch("[0-9a-f]{16}", answer.headers[HEADER])
