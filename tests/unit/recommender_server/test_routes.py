"""What each route answers when all is well."""

from streamrec.ports import COMMANDS, INTERACTIONS
from streamrec.wire import decode_event
from tests.unit.recommender_server.conftest import Server


async def test_recommendations_for_a_known_user(server: Server) -> None:
    answer = await server.client.call("GET", "/v1/recommendations?user_id=u&k=2")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {
        "items": [
            {"item_id": "i19", "score": 20.0 - 1, "source": "gmf"},
            {"item_id": "i18", "score": 18.0, "source": "gmf"},
        ],
        "based_on": "user_id",
        "generation": "g1",
        "degraded": False,
    }


async def test_parameters_reach_the_recommender(server: Server) -> None:
    await server.client.call("PUT", "/v1/items/i3", json={"categories": ["x"]})
    await server.client.call("PUT", "/v1/items/i4", json={"categories": ["y"]})
    target = "/v1/recommendations?user_id=u&category=x&category=y&exclude_seen=false"
    answer = await server.client.call("GET", target)
    assert [item["item_id"] for item in answer.json["items"]] == ["i4", "i3"]
    similar = await server.client.call("GET", "/v1/recommendations?item_id=i5&k=1")
    assert similar.json["based_on"] == "item_id"


async def test_popular(server: Server) -> None:
    answer = await server.client.call("GET", "/v1/popular?k=1")
    assert (answer.status, answer.json["based_on"]) == (200, "popular_items")
    assert [item["item_id"] for item in answer.json["items"]] == ["i0"]
    nothing = await server.client.call("GET", "/v1/popular?category=none")
    assert nothing.json["items"] == []


async def test_items_are_put_read_and_deleted(server: Server) -> None:
    item = {"kind": "film", "title": "Alien", "categories": ["sf"], "attributes": {"year": 1979}}
    assert (await server.client.call("PUT", "/v1/items/a%2Fb", json=item)).status == 204
    read = await server.client.call("GET", "/v1/items/a%2Fb")
    assert read.json["item_id"] == "a/b"
    assert {name: read.json[name] for name in item} == item
    assert read.json["updated_at"] > 0
    assert (await server.client.call("DELETE", "/v1/items/a%2Fb")).status == 204
    assert (await server.client.call("GET", "/v1/items/a%2Fb")).status == 404
    assert [record.key for record in server.log.records[COMMANDS]] == ["a/b", "a/b"]


async def test_many_items_are_put_at_once(server: Server) -> None:
    bodies = [{"item_id": "i19", "title": "first"}, {"item_id": "i18"}, {"item_id": "i19", "title": "last"}]
    assert (await server.client.call("PUT", "/v1/items", json=bodies)).status == 204
    answer = await server.client.call("GET", "/v1/recommendations?user_id=u&k=1")
    assert answer.json["items"][0]["title"] == "last"


async def test_a_hidden_item_is_not_offered_from_the_next_answer_on(server: Server) -> None:
    await server.client.call("GET", "/v1/recommendations?user_id=u&k=1")
    await server.client.call("PUT", "/v1/items/i19", json={"is_hidden": True})
    answer = await server.client.call("GET", "/v1/recommendations?user_id=u&k=1")
    assert [item["item_id"] for item in answer.json["items"]] == ["i18"]


async def test_similar_items(server: Server) -> None:
    answer = await server.client.call("GET", "/v1/items/i5/similar?k=3")
    assert (answer.json["item_id"], answer.json["generation"], len(answer.json["items"])) == ("i5", "g1", 3)
    await server.client.call("PUT", "/v1/items/new", json={})
    untouched = await server.client.call("GET", "/v1/items/new/similar")
    assert untouched.json == {"item_id": "new", "items": [], "generation": None}
    assert (await server.client.call("GET", "/v1/items/nobody/similar")).status == 404


async def test_events_one_or_many(server: Server) -> None:
    one = await server.client.call("POST", "/v1/events", json={"user_id": "\U0001f3ac", "item_id": 7})
    assert (one.status, one.json) == (202, {"accepted": 1})
    two = await server.client.call("POST", "/v1/events", json=[{"user_id": "u", "item_id": "a"}] * 2)
    assert two.json == {"accepted": 2}
    events = [decode_event(record.value, 0.0) for record in server.log.records[INTERACTIONS]]
    assert [(event.user_id, event.item_id) for event in events] == [
        ("\U0001f3ac", "7"),
        ("u", "a"),
        ("u", "a"),
    ]


async def test_users_are_read_changed_found_and_erased(server: Server) -> None:
    assert (await server.client.call("PUT", "/v1/users/u", json={"attributes": {"x": [1]}})).status == 204
    assert (await server.client.call("GET", "/v1/users/u")).json == {
        "user_id": "u", "attributes": {"x": [1]}, "generation": "g1", "has_vector": True, "n_events": 3,
        "updated_at": 5.0, "recent": ["i1"], "disliked": ["i2"],
    }  # fmt: skip
    assert (await server.client.call("GET", "/v1/users?prefix=user%2F")).json == {"user_ids": ["user/2"]}
    assert (await server.client.call("GET", "/v1/users?limit=1")).json == {"user_ids": ["u"]}
    await server.client.call("PUT", "/v1/users/new", json={"attributes": {}})
    assert (await server.client.call("GET", "/v1/users/new")).json["n_events"] == 0
    assert (await server.client.call("DELETE", "/v1/users/u")).status == 204
    assert (await server.client.call("GET", "/v1/users/u")).status == 404
    assert (await server.client.call("DELETE", "/v1/users/u")).status == 204


async def test_health_documents_and_page(server: Server) -> None:
    assert (await server.client.call("GET", "/health/live")).json["status"] == "ok"
    ready = await server.client.call("GET", "/health/ready")
    assert (ready.status, ready.json["status"]) == (200, "ok")
    assert ready.json["parts"] == {"store": "ok", "cache": "ok", "index": "ok", "events": "ok"}
    assert (await server.client.call("GET", "/openapi.json")).json["openapi"] == "3.1.0"
    page = await server.client.call("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert b"http://" not in page.body
    assert b"https://" not in page.body
