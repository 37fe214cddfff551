"""One resource behind a WSGI and an ASGI app: what both services share answers alike in both."""

import gzip
import re
from collections.abc import Awaitable, Callable
from typing import Any

import falcon
import falcon.asgi
import msgspec
import pytest
from falcon import testing

from streamrec.errors import InvalidEvent, InvalidInput, Overloaded, Unavailable, UnknownId
from streamrec.telemetry import NullMetrics
from streamrec.web import problems
from streamrec.web.bodies import JSON, BodyReader
from streamrec.web.health import Live
from streamrec.web.ids import id_in_path
from streamrec.web.paths import RawPathApp, on_raw_path
from streamrec.web.queries import query_of
from streamrec.web.requests import JOINED_IDS, ONE_ID, Requests
from tests.asgi_client import Client

Call = Callable[..., Awaitable["Seen"]]

ERRORS: dict[str, Exception] = {
    "event": InvalidEvent("not_json", "no event"),
    "input": InvalidInput("no input"),
    "unknown": UnknownId("there is none"),
    "busy": Overloaded("too much", 1.5),
    "away": Unavailable("away"),
    "bug": ZeroDivisionError("a bug"),
}
MAX_BYTES = 50


class Seen(msgspec.Struct, frozen=True):
    """What a caller sees of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    k: int = 1


class Echo:
    """Says what it was asked; fails as it is told to."""

    def __init__(self) -> None:
        self._reader = BodyReader(MAX_BYTES, (JSON, "application/msgpack"))

    def on_get(self, req: falcon.Request, resp: falcon.Response, id_: str) -> None:
        if id_ in ERRORS:
            raise ERRORS[id_]
        resp.media = {"id": id_in_path(id_), "k": query_of(req, Query).k}

    def on_post(self, req: falcon.Request, resp: falcon.Response, id_: str) -> None:
        resp.media = self._reader.read(req).payload.decode("latin-1")

    async def on_get_async(self, req: falcon.Request, resp: falcon.Response, id_: str) -> None:
        self.on_get(req, resp, id_)

    async def on_post_async(self, req: falcon.asgi.Request, resp: falcon.Response, id_: str) -> None:
        resp.media = (await self._reader.read_async(req)).payload.decode("latin-1")


def wsgi_call(ids: re.Pattern[str] = ONE_ID) -> Call:
    app = falcon.App(middleware=[Requests("x", NullMetrics(), 60.0, ids)])
    problems.install(app)
    app.add_route("/v1/items/{id_}", Echo())
    app.add_route("/health/live", Live())
    client = testing.TestClient(on_raw_path(app))

    async def call(method: str, target: str, body: bytes | None = None, **options: Any) -> Seen:
        path, _, query = target.partition("?")
        result = client.simulate_request(method, path, query_string=query, body=body, **options)
        return Seen(result.status_code, dict(result.headers), result.content)

    return call


def asgi_call(ids: re.Pattern[str] = ONE_ID) -> Call:
    app = RawPathApp(middleware=[Requests("x", NullMetrics(), 60.0, ids)])
    problems.install(app)
    app.add_route("/v1/items/{id_}", Echo(), suffix="async")
    app.add_route("/health/live", Live(), suffix="async")
    client = Client(app)

    async def call(method: str, target: str, body: bytes | None = None, **options: Any) -> Seen:
        answer = await client.call(method, target, body, **options)
        return Seen(answer.status, answer.headers, answer.body)

    return call


async def both(method: str, target: str, body: bytes | None = None, **options: Any) -> Seen:
    """Return the answer of both apps, which must be one."""
    headers = {"X-Request-ID": "given"} | options.pop("headers", {})
    of_wsgi, of_asgi = [
        await call(method, target, body, headers=headers, **options) for call in (wsgi_call(), asgi_call())
    ]
    assert of_wsgi == of_asgi
    return of_wsgi


@pytest.mark.parametrize(
    ("name", "status", "retry_after"),
    [
        ("event", 422, None),
        ("input", 400, None),
        ("unknown", 404, None),
        ("busy", 429, "2"),
        ("away", 503, "1"),
        ("bug", 500, None),
    ],
)
async def test_every_error_is_a_problem(name: str, status: int, retry_after: str | None) -> None:
    answer = await both("GET", f"/v1/items/{name}")
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.headers.get("retry-after") == retry_after
    problem = msgspec.json.decode(answer.body)
    assert (problem["status"], problem["request_id"]) == (status, "given")
    assert problem["title"]
    # What a bug says is for the log, not for callers.
    assert problem["detail"] == (
        str(ERRORS[name]) if name != "bug" else "the server failed; its log says how"
    )


@pytest.mark.parametrize(
    ("target", "status", "wanted"),
    [
        ("/v1/items/a%2Fb?k=3", 200, {"id": "a/b", "k": 3}),
        ("/v1/items/%C3%BC", 200, {"id": "ü", "k": 1}),
        ("/v1/items/a%252Fb", 200, {"id": "a%2Fb", "k": 1}),
        ("/v1/items/a/b", 404, None),
        ("/v1/items/%FF", 400, None),
        ("/v1/items/a?k=many", 400, None),
        ("/v1/items/a?k=%FF", 400, None),
        ("/v1/items/a?other=1", 400, None),
        ("/nowhere", 404, None),
    ],
)
async def test_paths_are_routed_as_sent_and_decoded_once(target: str, status: int, wanted: object) -> None:
    answer = await both("GET", target)
    assert answer.status == status, answer.body
    assert wanted is None or msgspec.json.decode(answer.body) == wanted


@pytest.mark.parametrize("target", ["/v1/items/a", "/health/live", "/v1/items/unknown"])
async def test_head_is_get_without_the_body(target: str) -> None:
    got, head = await both("GET", target), await both("HEAD", target)
    assert head == msgspec.structs.replace(got, body=b"")
    assert got.body
    assert head.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'"b"', {"Content-Type": "application/json; charset=utf-8"}, 200),
        (gzip.compress(b'"b"', mtime=0), {"Content-Type": JSON, "Content-Encoding": "gzip"}, 200),
        (b'\xef\xbb\xbf"b"', {"Content-Type": JSON}, 200),
        (b'"b"', {"Content-Type": "application/msgpack"}, 200),
        (b'"b"', {"Content-Type": "text/plain"}, 415),
        (b'"b"', {}, 415),
        (b'"b"', {"Content-Type": JSON, "Content-Encoding": "br"}, 415),
        (b'"b"', {"Content-Type": JSON, "Content-Encoding": "gzip"}, 400),
        (b"\xff\xfe", {"Content-Type": JSON}, 400),
        (b"b" * (MAX_BYTES + 1), {"Content-Type": JSON}, 413),
        (gzip.compress(b"b" * 100_000), {"Content-Type": JSON, "Content-Encoding": "gzip"}, 413),
    ],
)
async def test_bodies_are_checked_and_unpacked(body: bytes, headers: dict[str, str], status: int) -> None:
    answer = await both("POST", "/v1/items/a", body, headers=headers)
    assert answer.status == status, answer.body
    assert status != 200 or msgspec.json.decode(answer.body) == '"b"'
    assert status != 415 or "accept" in answer.headers or "accept-encoding" in answer.headers


async def test_a_well_formed_id_is_kept_and_another_replaced() -> None:
    for make in (wsgi_call, asgi_call):
        for pattern, given, is_kept in ((ONE_ID, "a", 1), (ONE_ID, "a,b", 0), (JOINED_IDS, "a,b", 1)):
            answer = await make(pattern)("GET", "/health/live", headers={"X-Request-ID": given})
            said = answer.headers["x-request-id"]
            assert said == given if is_kept else re.fullmatch("[0-9a-f]{16}", said)
