"""Every route of the recommender, with the time in which it answers whatever is amiss."""

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

from recommender_server.openapi import OPERATIONS
from tests.dependencies.system import DEFINITION, TIMEOUT_S

LIST_S, READ_S, EVENT_S, CHANGE_S = 3 * TIMEOUT_S, 14.0, 10.0, 24.0
"""Deadlines. Of lists: three parts, one after the other. Of documents: MongoDB is looked for 2 s and waited
for 5 s, and a read that fails is tried once more. Of events: the log. Of changes: store and log."""

HANDED_OVER = ("/v1/own-data", "/health/live")
"""Routes that rest on no dependency."""

_events, _rounds = itertools.count(), itertools.count(1)


class Request(NamedTuple):
    """A question or a change, and how it is answered while nothing is amiss."""

    group: str
    method: str
    path: str
    target: str
    deadline_s: float
    body: Any = None
    good: tuple[int, ...] = (200,)

    @property
    def name(self) -> str:
        """The operation."""
        return f"{self.method} {self.path}"


class Reply(NamedTuple):
    """Answer to a request; status 0: none came."""

    request: Request
    status: int
    is_degraded: bool
    took_s: float
    text: str

    @property
    def is_whole(self) -> bool:
        """Whether nothing was amiss."""
        return self.status in self.request.good and not self.is_degraded

    @property
    def is_declared(self) -> bool:
        """Whether it is one of those that the API names."""
        return self.status in (*self.request.good, 503, 429)


def _got(group: str, path: str, query: str = "", deadline_s: float = LIST_S) -> Request:
    target = path.format(item_id="i1", user_id="u1", experiment_id="alike")
    return Request(group, "GET", path, target + query, deadline_s)


def _changed(method: str, path: str, target: str, body: Any, *good: int, group: str = "changes") -> Request:
    return Request(group, method, path, target, CHANGE_S, body, good)


def questions() -> list[Request]:
    """Return a question to each route that changes nothing."""
    of_items, of_users = "/v1/items/{item_id}", "/v1/users/{user_id}"
    return [
        _got("lists", "/v1/recommendations", "?user_id=u1&k=5"),
        _got("lists", "/v1/recommendations", "?user_id=u1&k=5&explain=true&diversity=0.5"),
        _got("lists", "/v1/recommendations", "?item_id=i1&k=5"),
        _got("lists", "/v1/recommendations", "?user_id=nobody&k=5&category=c0"),
        Request("lists", "POST", "/v1/recommendations:batch", "/v1/recommendations:batch", LIST_S,
                {"users": ["u1", "u2"], "k": 3}),
        _got("popular", "/v1/popular", "?k=5"),
        _got("popular", "/v1/trending", "?k=5"),
        _got("popular", "/v1/latest", "?k=5"),
        _got("similar", of_items + "/similar", "?k=5"),
        _got("similar", of_items + "/similar", "?k=5&by=vector"),
        _got("similar", of_users + "/similar", "?k=5"),
        _got("documents", "/v1/items", "?text=i", READ_S),
        _got("documents", of_items, "", READ_S),
        _got("documents", of_items + "/users", "", READ_S),
        _got("documents", "/v1/users", "?prefix=u", READ_S),
        _got("documents", of_users, "", READ_S),
        _got("experiments", "/v1/experiments", "", READ_S),
        _got("experiments", "/v1/experiments/{experiment_id}", "", READ_S),
        _got("figures", of_items + "/history", "?minutes=60", READ_S),
        _got("figures", of_items + "/exposures", "", READ_S),
        _got("figures", of_users + "/exposures", "", READ_S),
        _got("figures", "/v1/exposures"),
        _got("status", "/v1/status", "", READ_S),
        _got("status", "/v1/status/series", "", READ_S),
        _got("status", "/health/ready", "", READ_S),
    ]  # fmt: skip


def changes() -> list[Request]:
    """Return a change by each route that makes one, each time another one."""
    number = next(_rounds)
    item, user = f"/v1/items/new-{number}", f"/v1/users/gone-{number}"
    draft, alike = f"/v1/experiments/draft-{number}", "/v1/experiments/alike"
    document = {"title": "new", "categories": ["c0"]}
    path, of_experiment = "/v1/items/{item_id}", "/v1/experiments/{experiment_id}"
    return [
        event(),
        _changed("PUT", path, item, document, 204),
        _changed("PUT", "/v1/items", "/v1/items", [{"item_id": f"many-{number}", **document}], 204),
        _changed("DELETE", path, f"/v1/items/new-{number - 1}", None, 204, 404),
        _changed("PUT", "/v1/users/{user_id}", "/v1/users/u2", {"attributes": {"n": number}}, 204),
        _changed("DELETE", "/v1/users/{user_id}", user, None, 204),
        _changed("PUT", of_experiment, draft, DEFINITION, 200, group="experiments"),
        _changed("DELETE", of_experiment, draft, None, 204, 404, group="experiments"),
        _changed("POST", of_experiment + "/ramp", alike + "/ramp", {"percent": 100.0}, 200,
                 group="experiments"),
        _changed("POST", of_experiment + "/stop", draft + "/stop", {}, 200, 404, 409, group="experiments"),
    ]  # fmt: skip


def questions_and_changes() -> list[Request]:
    """Return all of them."""
    return [*questions(), *changes()]


def event() -> Request:
    """Return an event of a pair that no other event has."""
    number = next(_events)
    body = {"user_id": f"w{number}", "item_id": f"i{number % 10}", "value": 1.0, "timestamp": time.time()}
    return Request("events", "POST", "/v1/events", "/v1/events", EVENT_S, body, (202,))


def not_asked() -> set[str]:
    """Return operations of the API that no request of ours makes, and that rest on a dependency."""
    asked = {request.name for request in questions_and_changes()}
    ours = {f"{one.method.upper()} {one.path}" for one in OPERATIONS if not one.path.startswith(HANDED_OVER)}
    return ours - asked


def ask(port: int, request: Request) -> Reply:
    """Send one request on a connection of its own."""
    started = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=60.0)
    body = None if request.body is None else json.dumps(request.body)
    try:
        connection.request(request.method, request.target, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        status, text = answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        status, text = 0, repr(error)
    finally:
        connection.close()
    return Reply(request, status, _is_degraded(text), time.monotonic() - started, text)


def ask_all(port: int, requests: Sequence[Request]) -> Iterator[Reply]:
    """Send all requests, eight at a time."""
    with ThreadPoolExecutor(8) as pool:
        yield from pool.map(lambda request: ask(port, request), requests)


def _is_degraded(text: str) -> bool:
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return _says_so(found)


def _says_so(found: Any) -> bool:
    if not isinstance(found, dict):
        return False
    if "answers" in found:
        lists = [one.get("recommendations") for one in found["answers"]]
        return any(one is None or _says_so(one) for one in lists)
    return found.get("degraded") is True or found.get("status") == "degraded"
