"""One resource behind all that both services share."""

import gzip
import re
from typing import Any

import falcon.asgi
import msgspec
import pytest

from streamrec.errors import InvalidEvent, InvalidInput, Overloaded, Unavailable, UnknownId
from streamrec.telemetry import NullMetrics
from streamrec.web import problems
from streamrec.web.bodies import JSON, BodyReader
from streamrec.web.health import Live
from streamrec.web.ids import checked_id, checked_ids, id_in_path
from streamrec.web.paths import RawPathApp
from streamrec.web.queries import query_of
from streamrec.web.requests import JOINED_IDS, ONE_ID, Requests
from tests.asgi_client import Answer, Client

ERRORS: dict[str, Exception] = {
    "event": InvalidEvent("not_json", "no event"),
    "input": InvalidInput("no input"),
    "unknown": UnknownId("there is none"),
    "busy": Overloaded("too much", 1.5),
    "away": Unavailable("away"),
    "bug": ZeroDivisionError("a bug"),
}
MAX_BYTES = 50


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    k: int = 1


class Echo:
    """Says what it was asked; fails as it is told to."""

    def __init__(self) -> None:
        self._reader = BodyReader(MAX_BYTES, (JSON, "application/msgpack"))

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id_: str) -> None:
        if id_ in ERRORS:
            raise ERRORS[id_]
        resp.media = {"id": id_in_path(id_), "k": query_of(req, Query).k}

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id_: str) -> None:
        resp.media = (await self._reader.read(req)).payload.decode("latin-1")


async def call(
    method: str, target: str, body: bytes | None = None, ids: re.Pattern[str] = ONE_ID, **options: Any
) -> Answer:
    app = RawPathApp(middleware=[Requests("x", NullMetrics(), 60.0, ids)])
    problems.install(app)
    app.add_route("/v1/items/{id_}", Echo())
    app.add_route("/health/live", Live())
    headers = {"X-Request-ID": "given"} | options.pop("headers", {})
    return await Client(app).call(method, target, body, headers=headers, **options)


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
    answer = await call("GET", f"/v1/items/{name}")
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
    answer = await call("GET", target)
    assert answer.status == status, answer.body
    assert wanted is None or msgspec.json.decode(answer.body) == wanted


@pytest.mark.parametrize("target", ["/v1/items/a", "/health/live", "/v1/items/unknown"])
async def test_head_is_get_without_the_body(target: str) -> None:
    got, head = await call("GET", target), await call("HEAD", target)
    assert head == got._replace(body=b"")
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
    answer = await call("POST", "/v1/items/a", body, headers=headers)
    assert answer.status == status, answer.body
    assert status != 200 or msgspec.json.decode(answer.body) == '"b"'
    assert status != 415 or "accept" in answer.headers or "accept-encoding" in answer.headers


async def test_a_well_formed_id_is_kept_and_another_replaced() -> None:
    for pattern, given, is_kept in ((ONE_ID, "a", 1), (ONE_ID, "a,b", 0), (JOINED_IDS, "a,b", 1)):
        answer = await call("GET", "/health/live", ids=pattern, headers={"X-Request-ID": given})
        said = answer.headers["x-request-id"]
        assert said == given if is_kept else re.fullmatch("[0-9a-f]{16}", said)


@pytest.mark.parametrize("odd", ["", r"\N", "x" * 256, "x" * 257, "é" * 128, "é" * 129, "\ud800", "a", "\0"])
def test_many_ids_are_judged_as_each_of_them(odd: str) -> None:
    def of_each(texts: list[str]) -> list[str] | str:
        try:
            return [checked_id("ids", text) for text in texts]
        except InvalidInput as error:
            return str(error)

    def together(texts: list[str]) -> list[str] | str:
        try:
            return list(checked_ids("ids", texts))
        except InvalidInput as error:
            return str(error)

    for texts in ([odd], ["plain", odd], [odd, "plain"], ["plain", "1"]):
        assert together(texts) == of_each(texts)


async def test_a_path_begins_with_one_slash() -> None:
    assert (await call("GET", "/v1/items/a")).status == 200
    for path in ("//v1/items/a", "///v1/items/a", "v1/items/a", "*", ""):
        assert (await call("GET", path)).status == 404


async def test_a_request_line_of_another_version_of_http_is_answered() -> None:
    for version in ("0.9", "1.0", "1.9", "2.0"):
        assert (await call("GET", "/v1/items/a", http_version=version)).status == 200
