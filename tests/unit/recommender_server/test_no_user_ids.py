"""Ids of users stand in no line of the log and in no metric's name: neither can be erased with its user."""

import logging
import re
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from structlog.testing import capture_logs

from recommender_server.app import Parts, Rules, create_app
from recommender_server.openapi import OPERATIONS
from streamrec.errors import Damaged, Unavailable
from streamrec.log_limits import forget_warnings
from streamrec.telemetry import NullMetrics
from tests.asgi_client import Client
from tests.unit.recommender_server.conftest import Server

USER = "canary/üser 1"
TOLD = re.compile("canary", re.IGNORECASE)

USER_QUERIES = {
    "/v1/recommendations": ("user_id={}", "user_id={}&k=0", "user_id={}&filter=x%3C", "user_id={}&cursor=no"),
    "/v1/users": ("prefix={}", "prefix={}&limit=0", "after={}"),
    "/v1/items/{item_id}/users": ("after={}", "after={}&limit=0"),
}


def bodies_of(user_id: str) -> list[object]:
    event: dict[str, Any] = {"user_id": user_id, "item_id": "i1"}
    wrong = [
        {**event, **other}
        for other in (
            {"item_id": ""}, {"timestamp": "noon"}, {"value": "much"}, {"type": ""}, {"item_id": 1.5},
            {"user_id": user_id * 100}, {"user_id": f"{user_id}\n"}, {user_id: 1},
        )
    ]  # fmt: skip
    batch = [{"users": [user_id, {"user_id": user_id, "k": 0}], "k": 1}, {"users": [user_id * 100], "k": 2}]
    return [event, [event, *wrong], *wrong, *batch, {"attributes": {"x": user_id}}, user_id]


class Names(NullMetrics):
    """Names of all that is counted, timed or measured."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def count(self, name: str, n: int = 1) -> None:
        self.seen.add(name)

    def gauge(self, name: str, value: float) -> None:
        self.seen.add(name)

    def timing(self, name: str, duration_ms: float) -> None:
        self.seen.add(name)


class Down:
    """A part each of whose methods fails, with words that hold nothing of what was asked."""

    def __init__(self, error: Exception, *, is_awaited: bool) -> None:
        self._error = error
        self._is_awaited = is_awaited

    def __getattr__(self, name: str) -> Any:
        def fail(*_given: object, **_named: object) -> None:
            raise self._error

        async def fail_later(*_given: object, **_named: object) -> None:
            raise self._error

        return fail_later if self._is_awaited else fail


async def ask_of_everything(client: Client, user_id: str) -> int:
    """Send the id in each place that a request has; return how many were asked."""
    n_asked = 0
    for operation in OPERATIONS:
        path = re.sub(r"{user_id}", quote(user_id, safe=""), operation.path)
        target, method = re.sub("{.*?}", "i1", path), operation.method.upper()
        queries = USER_QUERIES.get(operation.path, ("",))
        targets = [f"{target}?{query.format(quote(user_id, safe=''))}" for query in queries]
        bodies = bodies_of(user_id) if method in ("POST", "PUT") else [None]
        for each in targets:
            for body in bodies:
                await client.call(method, each, json=body)
                n_asked += 1
    return n_asked


AWAY, SPOILED = Unavailable("is away"), Damaged("spoiled")
LATER = [(part, error) for part in ("store", "cache", "index", "sink") for error in (AWAY, SPOILED)]


@pytest.mark.parametrize(
    ("part", "error"),
    [("none", AWAY), *(pytest.param(*each, marks=pytest.mark.nightly) for each in LATER)],
)
async def test_no_line_and_no_name_holds_the_id_of_a_user(
    server: Server, part: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    forget_warnings()
    metrics = Names()
    parts = {**vars(server.parts), "metrics": metrics}
    if part != "none":
        parts[part] = Down(error, is_awaited=part != "sink")
    client = Client(create_app(Parts(**parts), Rules(slow_request_s=1e-9)))
    with (
        capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines,
        caplog.at_level(logging.DEBUG),
    ):
        n_asked = await ask_of_everything(client, USER)
        await client.shut_down()
    assert n_asked > 150
    assert len(lines) > n_asked  # a line each, as slow, and what went wrong
    assert [line for line in lines if TOLD.search(str(line))] == []
    assert [record for record in caplog.records if TOLD.search(record.getMessage())] == []
    assert len(metrics.seen) > 20
    assert [name for name in metrics.seen if TOLD.search(name)] == []
