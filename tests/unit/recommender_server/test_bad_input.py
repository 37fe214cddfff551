"""Whatever a client sends, the answer says what is wrong, and is never a 500."""

from collections.abc import Sequence
from typing import Any, Never

import pytest

from recommender_server.app import Rules, create_app
from streamrec.adapters.memory.events import MemoryEventSink
from streamrec.domain.users.user import MAX_ATTRIBUTES_BYTES
from streamrec.errors import Overloaded, Unavailable
from streamrec.ports import Fence, Message
from tests.asgi_client import Answer, Client
from tests.unit.recommender_server.conftest import MAX_BODY_BYTES, Server

JSON = {"Content-Type": "application/json"}
LONG = "x" * 257
HUGE = "x" * 1_000_000


def problem_of(answer: Answer) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json
    assert problem["status"] == answer.status
    assert problem["title"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("/v1/recommendations?k=0", "'k'"),
        ("/v1/recommendations?k=1001", "'k'"),
        ("/v1/recommendations?k=NaN", "'k'"),
        ("/v1/recommendations?k=", "'k'"),
        ("/v1/recommendations?k=1&k=2", "'k'"),
        ("/v1/recommendations?user_id=", "'user_id'"),
        (f"/v1/recommendations?user_id={LONG}", "'user_id'"),
        (f"/v1/recommendations?user_id={HUGE}", "'user_id'"),
        ("/v1/recommendations?user_id=" + "%F0%9F%8E%AC" * 65, "260"),
        ("/v1/recommendations?item_id=", "'item_id'"),
        ("/v1/recommendations?exclude_seen=maybe", "'exclude_seen'"),
        ("/v1/recommendations?category=", "'category"),
        ("/v1/recommendations?exclude_ids=", "'exclude_ids"),
        (f"/v1/recommendations?exclude_ids=a&exclude_ids={LONG}", "'exclude_ids"),
        ("/v1/recommendations?exclude_ids=" + "%F0%9F%8E%AC" * 65, "260"),
        ("/v1/recommendations?" + "&".join(f"exclude_ids={n}" for n in range(1001)), "'exclude_ids'"),
        ("/v1/recommendations?only_ids=", "'only_ids"),
        ("/v1/recommendations?" + "&".join(f"only_ids={n}" for n in range(1001)), "'only_ids'"),
        ("/v1/recommendations?min_score=much", "'min_score'"),
        ("/v1/recommendations?min_score=NaN", "'min_score'"),
        ("/v1/recommendations?min_score=inf", "'min_score'"),
        ("/v1/recommendations?min_score=1e999", "'min_score'"),
        ("/v1/recommendations?diversity=1.01", "'diversity'"),
        ("/v1/recommendations?diversity=-0.1", "'diversity'"),
        ("/v1/recommendations?diversity=nan", "'diversity'"),
        ("/v1/recommendations?diversity=.1&diversity=.2", "'diversity'"),
        ("/v1/recommendations?max_per_category=0", "'max_per_category'"),
        ("/v1/recommendations?max_per_category=1.5", "'max_per_category'"),
        ("/v1/recommendations?cursor=x", "'cursor'"),
        ("/v1/recommendations?cursor=%00", "'cursor'"),
        (f"/v1/recommendations?cursor={HUGE}", "'cursor'"),
        ("/v1/recommendations?explain=why", "'explain'"),
        ("/v1/recommendations?user=u", "no query parameter 'user'"),
        ("/v1/popular?cursor=x", "'cursor'"),
        ("/v1/popular?user_id=u", "no query parameter 'user_id'"),
        ("/v1/items/i5/similar?k=1001", "'k'"),
        ("/v1/users?limit=0", "'limit'"),
        (f"/v1/items/{HUGE}", "256 bytes"),
        ("/v1/items/%5CN", "no value"),
        ("/v1/items/%5CN/similar", "no value"),
        ("/v1/users/%5CN", "no value"),
        ("/v1/recommendations?user_id=%5CN", "user_id is"),
        ("/v1/recommendations?item_id=%5CN", "item_id is"),
        ("/v1/recommendations?exclude_ids=%5CN", "exclude_ids is"),
        ("/v1/recommendations?only_ids=%5CN", "only_ids is"),
        ("/v1/items/%FF", "UTF-8"),
        ("/v1/users/%ED%A0%80", "UTF-8"),
    ],
)
async def test_a_bad_value_is_named(server: Server, target: str, named: str) -> None:
    answer = await server.client.call("GET", target)
    assert answer.status == 400
    assert named in problem_of(answer)["detail"]
    assert len(answer.body) < 1000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"user_id=u", 400),
        (b'{"user_id": "u", "item_id": NaN}', 400),
        (b"\xff\xfe", 400),
        (b'{"user_id": "\xff", "item_id": "i"}', 400),
        (b"[" * 5000, 422),
        (b'{"user_id": "\\ud800", "item_id": "i"}', 400),
        (b"[]", 422),
        (b"null", 422),
        (b'{"user_id": "u"}', 422),
        (b'{"user_id": "", "item_id": "i"}', 422),
        (b'{"user_id": true, "item_id": "i"}', 422),
        (b'{"user_id": "u", "item_id": "i", "timestamp": "yesterday"}', 422),
        (b'{"user_id": "u", "item_id": "i", "timestamp": 1700000000000}', 422),
        (b'{"user_id": "u", "item_id": "i", "timestamp": -1}', 422),
        (b'{"user_id": "u", "item_id": "i", "value": "much"}', 422),
        (b'{"user_id": "u", "item_id": "i", "value": "inf"}', 422),
        (b'{"user_id": "u", "item_id": "i", "value": 1e999}', 422),
        (('{"user_id": "' + "\u00fc" * 129 + '", "item_id": "i"}').encode(), 422),
        (b'{"user_id": "' + b"x" * MAX_BODY_BYTES + b'", "item_id": "i"}', 413),
    ],
)
async def test_a_bad_event_is_refused_and_not_appended(server: Server, body: bytes, status: int) -> None:
    answer = await server.client.call("POST", "/v1/events", body, headers=JSON)
    assert answer.status == status
    assert problem_of(answer)["detail"]
    assert server.log.records == {}


async def test_a_body_longer_than_it_says_is_cut_off(server: Server) -> None:
    headers = JSON | {"Content-Length": "10"}
    answer = await server.client.call("POST", "/v1/events", b" " * (MAX_BODY_BYTES + 1), headers=headers)
    assert answer.status in (400, 413)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "\u00fc"])
async def test_a_body_must_claim_to_be_json(server: Server, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await server.client.call("POST", "/v1/events", b"{}", headers=headers)
    assert answer.status == 415
    problem_of(answer)


async def test_items_and_users_have_bodies_of_their_own(server: Server) -> None:
    call = server.client.call
    assert (await call("PUT", "/v1/items/a", json={"titel": "typo"})).status == 422
    assert (await call("PUT", "/v1/items/a", json={"categories": [""]})).status == 422
    assert (await call("PUT", "/v1/items", json=[{"title": "no id"}])).status == 422
    assert (await call("PUT", "/v1/users/u", json={"attributes": []})).status == 422
    assert (await call("PUT", "/v1/users/u", b'{"attributes": {"x": 1e999}}', headers=JSON)).status == 422
    nested = b'{"attributes": {"x": ' + b"[" * 4000 + b"]" * 3999
    assert (await call("PUT", "/v1/users/u", nested, headers=JSON)).status == 400


@pytest.mark.parametrize(
    "target", ["/v1", "/v1/nothing", "/v1/items/", "/v1/items/a/b", "/v1/items/a/similar/x"]
)
async def test_an_unknown_path_is_a_404(server: Server, target: str) -> None:
    answer = await server.client.call("GET", target)
    assert answer.status in (400, 404)
    problem_of(answer)


async def test_a_method_that_is_not_there_is_a_405_that_names_the_others(server: Server) -> None:
    answer = await server.client.call("PATCH", "/v1/items/a")
    assert answer.status == 405
    problem_of(answer)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "PUT", "DELETE", "OPTIONS"}


async def test_a_log_that_is_full_or_away_is_said(server: Server) -> None:
    class Refusing(MemoryEventSink):
        error: Unavailable = Overloaded("the disk is slow", retry_after_s=1.2)

        def append(self, topic: str, messages: object, fence: object = None) -> None:
            raise self.error

    sink = Refusing(server.log)
    parts = server.parts.__class__(server.store, server.cache, server.parts.index, sink, server.parts.metrics)
    client = Client(create_app(parts, Rules()))
    event = {"user_id": "u", "item_id": "i"}
    full = await client.call("POST", "/v1/events", json=event)
    assert (full.status, full.headers["retry-after"]) == (429, "2")
    sink.error = Unavailable("the log is away")
    away = await client.call("POST", "/v1/events", json=event)
    assert (away.status, problem_of(away)["detail"]) == (503, "the log is away")


async def test_our_own_mistake_is_a_500_without_its_inside(server: Server) -> None:
    class Broken(MemoryEventSink):
        def append(self, topic: str, messages: Sequence[Message], fence: Fence | None = None) -> Never:
            raise ZeroDivisionError("secret")

    parts = server.parts.__class__(
        server.store, server.cache, server.parts.index, Broken(server.log), server.parts.metrics
    )
    answer = await Client(create_app(parts, Rules())).call(
        "POST", "/v1/events", json={"user_id": "u", "item_id": "i"}
    )
    assert answer.status == 500
    assert "secret" not in str(problem_of(answer))


@pytest.mark.parametrize("given", ["abc-1.2_3", "", "x" * 129, "two words", 'quo"te'])
async def test_a_request_keeps_a_plain_id_and_gets_one_otherwise(server: Server, given: str) -> None:
    answer = await server.client.call("GET", "/health/live", headers={"X-Request-ID": given})
    name = answer.headers["x-request-id"]
    assert (name == given) == (given == "abc-1.2_3")
    assert name


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("timestamp", 20240310, "20240310 looks like a date"),
        ("timestamp", 20240310.0, "looks like a date"),
        ("timestamp", "20240310", "looks like a date"),
        ("timestamp", -5, "negative"),
        ("timestamp", "nan", "not a number"),
        ("timestamp", 1700000000000000, "microseconds"),
        ("timestamp", 1700000000000000000, "nanoseconds"),
        ("timestamp", "10-03-2024 09:30", "read are"),
        ("user_id", 9007199254740995.0, "another number"),
        ("user_id", "\\N", "no value"),
        ("event_id", 1e300, "another number"),
    ],
)
async def test_an_event_is_refused_in_words_that_fit(
    server: Server, field: str, value: object, words: str
) -> None:
    good = {"user_id": "u", "item_id": "i"}
    answer = await server.client.call("POST", "/v1/events", json=[good, good | {field: value}])
    assert answer.status == 422
    assert "event 1" in answer.json["detail"]
    assert words in answer.json["detail"]


@pytest.mark.parametrize("item_id", [9007199254740995.0, "\\N"])
async def test_an_item_is_refused_in_words_that_fit(server: Server, item_id: object) -> None:
    answer = await server.client.call("PUT", "/v1/items", json=[{"item_id": "a"}, {"item_id": item_id}])
    assert answer.status == 422
    assert "item 1: item_id" in answer.json["detail"]


async def test_attributes_that_no_process_could_read_again_are_refused(server: Server) -> None:
    def nested(levels: int) -> bytes:
        return b'{"attributes": {"x": ' + b"[" * levels + b"]" * levels + b"}}"

    for path in ("/v1/items/deep", "/v1/users/deep"):
        assert (await server.client.call("PUT", path, nested(60), headers=JSON)).status == 204
        for levels in (64, 300, 900):
            answer = await server.client.call("PUT", path, nested(levels), headers=JSON)
            assert answer.status == 400, levels
            assert "nested" in answer.json["detail"]
        assert (await server.client.call("GET", path)).status == 200


@pytest.mark.parametrize(
    ("method", "target", "body", "key"),
    [
        ("POST", "/v1/events", b'{"user_id": "u", "item_id": "a", "item_id": "b"}', "item_id"),
        ("POST", "/v1/events", b'[{"user_id": "u", "item_id": "a", "value": 1, "value": 2}]', "value"),
        ("POST", "/v1/events", b'[{"user_id": "u", "item_id": "a", "\\u0069tem_id": "b"}]', "item_id"),
        ("PUT", "/v1/items", b'[{"item_id": "a"}, {"item_id": "b", "item_id": "c"}]', "item_id"),
        ("PUT", "/v1/items/a", b'{"title": "t", "title": "u"}', "title"),
        ("PUT", "/v1/users/u", b'{"attributes": {"a": 1}, "attributes": {"b": 2}}', "attributes"),
        ("POST", "/v1/experiments/x/ramp", b'{"percent": 5, "percent": 50}', "percent"),
        ("POST", "/v1/experiments/x/stop", b'{"reason": "a", "reason": "b"}', "reason"),
    ],
)
async def test_a_key_that_stands_twice_is_refused(
    server: Server, method: str, target: str, body: bytes, key: str
) -> None:
    answer = await server.client.call(method, target, body, headers=JSON)
    assert answer.status == 422
    assert f"'{key}' stands twice" in answer.json["detail"]
    fine = b'[{"item_id": "b", "title": "t", "attributes": {"title": "u", "item_id": "title"}}]'
    assert (await server.client.call("PUT", "/v1/items", fine, headers=JSON)).status == 204


async def test_attributes_of_a_user_have_a_bound_of_their_own(server: Server) -> None:
    """They share a document with what the trainer writes, however large a body of items may be."""
    client = Client(create_app(server.parts, Rules(max_body_bytes=100_000_000)))
    for n_bytes, status in ((MAX_ATTRIBUTES_BYTES - 100, 204), (MAX_ATTRIBUTES_BYTES + 1, 413)):
        answer = await client.call("PUT", "/v1/users/u", json={"attributes": {"note": "x" * n_bytes}})
        assert answer.status == status
    assert f"at most {MAX_ATTRIBUTES_BYTES} bytes" in answer.json["detail"]
    await client.shut_down()
