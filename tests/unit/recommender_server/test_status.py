"""How the trainer is and was, over HTTP."""

import time
from typing import Any

import pytest

from recommender_server.app import Parts, Rules, create_app
from streamrec.domain.status.point import RINGS, StatusPoint
from streamrec.domain.status.report import RejectedReason, TrainerReport
from tests.asgi_client import Client
from tests.driven_system import Down
from tests.unit.recommender_server.conftest import Server

REJECTED = RejectedReason("bad_id", 2, "user_id: <script>alert(1)</script>", 5.0)


def report(published_at: float) -> TrainerReport:
    return TrainerReport(published_at, "g1", 1.0, [REJECTED])


async def test_before_a_trainer_there_is_none(server: Server) -> None:
    answer = await server.client.call("GET", "/v1/status")
    assert answer.status == 200
    assert answer.json["trainer"] is None
    assert answer.json["parts"] == dict.fromkeys(("store", "cache", "index", "events"), "ok")
    assert answer.json["may_change"] is True
    assert (await server.client.call("GET", "/v1/status/series")).json["at"] == []


async def test_the_trainer_is_told_with_its_age_and_what_it_rejected(server: Server) -> None:
    server.cache.publish_counters({"n_events": 7.0})
    server.cache.publish_report(report(time.time() - 100), [])
    trainer = (await server.client.call("GET", "/v1/status")).json["trainer"]
    assert trainer["generation"] == "g1"
    assert 100 <= trainer["age_s"] < 130
    assert trainer["numbers"] == {"n_events": 7.0}
    assert trainer["rejected"] == [{"reason": "bad_id", "n": 2, "message": REJECTED.message, "last_at": 5.0}]


async def test_the_series_goes_on_from_where_the_caller_is(server: Server) -> None:
    begins = RINGS["10s"].begins(time.time())
    points = [StatusPoint(10, begins - 10 * n, {"lag_s": float(n), f"only_{n}": 1.0}) for n in range(4)]
    old = StatusPoint(10, begins - 10 * 400, {"lag_s": 9.0})
    ahead = StatusPoint(10, begins + 500, {"lag_s": 9.0})
    server.cache.publish_report(report(0.0), [*points, old, ahead])

    async def asked(query: str) -> Any:
        return (await server.client.call("GET", f"/v1/status/series?{query}")).json

    whole = await asked("resolution=10s")
    assert whole["interval_s"] == 10
    assert whole["at"] == [begins - 30, begins - 20, begins - 10, begins]
    assert whole["series"]["lag_s"] == [3.0, 2.0, 1.0, 0.0]
    assert whole["series"]["only_1"] == [None, None, 1.0, None]
    later = await asked(f"since={begins - 20}&name=lag_s&name=unknown&name=lag_s")
    assert later["at"] == [begins - 10, begins]
    assert later["series"] == {"lag_s": [1.0, 0.0], "unknown": [None, None]}
    assert (await asked(f"since={begins + 1e6}"))["at"] == []
    assert (await asked("resolution=1m"))["at"] == []


@pytest.mark.parametrize("query", ["resolution=5m", "since=-1", "since=x", "until=5", "name="])
async def test_bad_parameters_are_named(server: Server, query: str) -> None:
    answer = await server.client.call("GET", f"/v1/status/series?{query}")
    assert answer.status == 400
    assert query.split("=")[0] in answer.json["detail"]


async def test_without_the_cache_the_rest_is_told(server: Server) -> None:
    broken = Client(create_app(Parts(**{**vars(server.parts), "cache": Down()}), Rules()))
    answer = await broken.call("GET", "/v1/status")
    assert (answer.status, answer.json["trainer"]) == (200, None)
    assert answer.json["parts"]["cache"] != "ok"
    assert (await broken.call("GET", "/v1/status/series")).status == 503
    await broken.shut_down()


async def test_items_are_found_by_title_without_their_texts(server: Server) -> None:
    body = {"title": "Alien <i>", "text": "long" * 100, "is_hidden": True}
    await server.client.call("PUT", "/v1/items/a%2F%22b", json=body)
    answer = await server.client.call("GET", "/v1/items?text=LIEN%20%3Ci")
    assert [(item["item_id"], item["is_hidden"]) for item in answer.json["items"]] == [('a/"b', True)]
    assert "text" not in answer.json["items"][0]
    for query in ("limit=1001", "text=" + "x" * 300, "prefix=a"):
        assert (await server.client.call("GET", f"/v1/items?{query}")).status == 400
