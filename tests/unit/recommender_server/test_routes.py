"""What each route answers when all is well."""

import pytest

from recommender_server.app import Rules, create_app
from streamrec.domain.ranking.diversity import Shape
from streamrec.ports import COMMANDS, INTERACTIONS
from streamrec.wire import decode_event
from tests.asgi_client import Client
from tests.unit.recommender_server.conftest import Server


async def test_recommendations_for_a_known_user(server: Server) -> None:
    answer = await server.client.call("GET", "/v1/recommendations?user_id=u&k=2")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    first, second = answer.json["items"]
    assert (first["item_id"], second["item_id"]) == ("i19", "i18")
    assert first["source"] == second["source"] == "gmf"
    assert 1 > first["score"] > second["score"] > 0
    told = {name: answer.json[name] for name in ("based_on", "generation", "degraded")}
    assert told == {"based_on": "user_id", "generation": "g1", "degraded": False}


async def test_parameters_reach_the_recommender(server: Server) -> None:
    await server.client.call("PUT", "/v1/items/i3", json={"categories": ["x"]})
    await server.client.call("PUT", "/v1/items/i4", json={"categories": ["y"]})
    target = "/v1/recommendations?user_id=u&category=x&category=y&exclude_seen=false"
    answer = await server.client.call("GET", target)
    assert [item["item_id"] for item in answer.json["items"]] == ["i4", "i3"]
    similar = await server.client.call("GET", "/v1/recommendations?item_id=i5&k=1")
    assert similar.json["based_on"] == "item_id"


async def test_filters_reach_the_recommender(server: Server) -> None:
    async def ids(parameters: str) -> list[str]:
        answer = await server.client.call("GET", f"/v1/recommendations?user_id=u&{parameters}")
        assert answer.status == 200
        return [item["item_id"] for item in answer.json["items"]]

    best = await ids("k=6")
    assert (
        await ids("k=3&exclude_ids=i19&exclude_ids=i17")
        == [id_ for id_ in best if id_ not in ("i19", "i17")][:3]
    )
    assert await ids("only_ids=i4&only_ids=i19&only_ids=no%2Fbody&only_ids=i1") == ["i19", "i4", "no/body"]
    scores = [
        item["score"]
        for item in (await server.client.call("GET", "/v1/recommendations?user_id=u&k=6")).json["items"]
    ]
    assert await ids(f"k=6&min_score={(scores[2] + scores[3]) / 2}") == best[:3]
    for n in (19, 18, 17, 16):
        await server.client.call("PUT", f"/v1/items/i{n}", json={"categories": ["x"]})
    assert await ids("k=3&max_per_category=1") != best[:3]


async def test_a_servers_own_shape_counts_where_a_request_names_none(server: Server) -> None:
    client = Client(create_app(server.parts, Rules(shape=Shape(max_per_category=1))))
    for n in (19, 18, 17, 16):
        await client.call("PUT", f"/v1/items/i{n}", json={"categories": ["x"]})
    capped = (await client.call("GET", "/v1/recommendations?user_id=u&k=2")).json["items"]
    assert [item["item_id"] for item in capped] == ["i19", "i15"]
    target = "/v1/recommendations?user_id=u&k=2&max_per_category=1000"
    assert [item["item_id"] for item in (await client.call("GET", target)).json["items"]] == ["i19", "i18"]
    await client.shut_down()


async def test_pages_lead_on_until_there_is_nothing_more(server: Server) -> None:
    for route, n_items in (("/v1/recommendations?user_id=u&k=7", 18), ("/v1/popular?k=7", 20)):
        pages, cursor = [], ""
        while cursor is not None:
            answer = await server.client.call("GET", f"{route}&cursor={cursor}")
            pages.append([item["item_id"] for item in answer.json["items"]])
            cursor = answer.json["next_cursor"]
        assert [len(page) for page in pages] == [7, 7, n_items - 14]
        assert len({item_id for page in pages for item_id in page}) == n_items


async def test_a_cursor_of_another_question_is_refused(server: Server) -> None:
    first = await server.client.call("GET", "/v1/recommendations?user_id=u&k=2")
    cursor = first.json["next_cursor"]
    for other in ("user_id=v", "user_id=u&category=x", "user_id=u&diversity=0.5", "user_id=u&exclude_ids=a"):
        answer = await server.client.call("GET", f"/v1/recommendations?{other}&cursor={cursor}")
        assert (answer.status, "'cursor'" in answer.json["detail"]) == (400, True)
    same = await server.client.call("GET", f"/v1/recommendations?user_id=u&k=5&explain=true&cursor={cursor}")
    assert same.status == 200


async def test_explanations_come_when_asked_for(server: Server) -> None:
    plain = await server.client.call("GET", "/v1/recommendations?user_id=u&k=1")
    assert "explanation" not in plain.json["items"][0]
    (item,) = (await server.client.call("GET", "/v1/recommendations?user_id=u&k=1&explain=true")).json[
        "items"
    ]
    sources = item["explanation"]["sources"]
    assert sum(sources.values()) == pytest.approx(item["score"])
    assert max(sources, key=sources.get) == item["source"] == "gmf"
    assert item["explanation"]["because"] == []


async def test_popular(server: Server) -> None:
    answer = await server.client.call("GET", "/v1/popular?k=1")
    assert (answer.status, answer.json["based_on"]) == (200, "popular_items")
    assert [item["item_id"] for item in answer.json["items"]] == ["i19"]
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
        "updated_at": 5.0, "recent": ["i1"], "disliked": ["i2"], "less_like": [],
        "profile": {"categories": [], "tags": []},
    }  # fmt: skip
    assert (await server.client.call("GET", "/v1/users?prefix=user%2F")).json == {
        "user_ids": ["user/2"],
        "next_after": None,
    }
    assert (await server.client.call("GET", "/v1/users?limit=1")).json == {
        "user_ids": ["u"],
        "next_after": "u",
    }
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


async def test_what_was_chosen_comes_again_where_it_may(server: Server) -> None:
    target = "/v1/recommendations?user_id=u&k=20"
    new, again = [
        (await server.client.call("GET", target + more)).json for more in ("", "&exclude_seen=false")
    ]
    assert "i1" not in [item["item_id"] for item in new["items"]]
    assert [item["source"] for item in again["items"] if item["item_id"] == "i1"] == ["again"]
    assert "i2" not in [item["item_id"] for item in again["items"]]  # disliked


async def test_numbers_as_ids_types_and_event_ids_mean_the_same_everywhere(server: Server) -> None:
    as_numbers = {"user_id": 41.0, "item_id": 7.0, "type": 2, "event_id": 7.0, "value": "NaN", "timestamp": 5}
    as_texts = {"user_id": "41", "item_id": "7", "type": "2", "event_id": "7", "timestamp": "5"}
    assert (await server.client.call("POST", "/v1/events", json=[as_numbers, as_texts])).status == 202
    first, second = (decode_event(r.value, 0.0) for r in server.log.records[INTERACTIONS][-2:])
    assert first == second
    bodies = [{"item_id": 7.0, "title": "t"}, {"item_id": 8, "title": "u"}]
    assert (await server.client.call("PUT", "/v1/items", json=bodies)).status == 204
    for item_id, title in (("7", "t"), ("8", "u")):
        assert (await server.client.call("GET", f"/v1/items/{item_id}")).json["title"] == title


async def test_exposures_are_counted_from_lists_and_events(server: Server) -> None:
    call = server.client.call
    assert (await call("GET", "/v1/items/nobody%2Fknows/exposures")).status == 404
    shown = (await call("GET", "/v1/recommendations?user_id=new&k=3")).json["items"]
    await call("POST", "/v1/recommendations:batch", json={"users": ["other", ""], "k": 3})
    await call("GET", f"/v1/recommendations?only_ids={shown[0]['item_id']}")
    await call("POST", "/v1/events", json={"user_id": "new", "item_id": shown[0]["item_id"], "type": "buy"})
    await server.client.shut_down()  # hands over what was counted
    told = (await call("GET", f"/v1/items/{shown[0]['item_id']}/exposures")).json
    counts = [sum(told[name]) for name in ("shown", "shown_to_user", "chosen")]
    assert (counts, {type_: sum(n) for type_, n in told["events"].items()}) == ([2, 2, 1], {"buy": 1})
    assert told["chosen_share"]["share"] == 0.5
    whole = (await call("GET", "/v1/exposures")).json
    rows = [[row[name] for name in ("segment", "shown", "chosen", "bought")] for row in whole["journey"]]
    assert [sum(row[1:][step] for row in rows) for step in range(3)] == [6, 1, 1]
    assert {row[0]: row[3] for row in rows if row[3]} == {"cold": 1}
    assert {row[0] for row in rows} == {"cold", "other"}
    assert whole["lists"]["n_lists"] == 2


async def test_steps_of_a_user_are_told_and_erased_with_them(server: Server) -> None:
    call = server.client.call
    assert (await call("GET", "/v1/users/n%2Few/exposures")).status == 404
    assert (await call("GET", "/v1/users/u/exposures")).json["steps"] == []  # who is known by their events
    shown = (await call("GET", "/v1/recommendations?user_id=n%2Few&k=3")).json["items"]
    await call("GET", "/v1/recommendations?k=3")
    event = {"user_id": "n/ew", "item_id": shown[1]["item_id"], "type": "buy"}
    await call("POST", "/v1/events", json=[event, event | {"user_id": "u"}])
    told = (await call("GET", "/v1/users/n%2Few/exposures")).json
    assert [(step["type"], step["item_ids"], step["is_choice"]) for step in told["steps"]] == [
        ("buy", [shown[1]["item_id"]], True),
        (None, [item["item_id"] for item in shown], False),
    ]
    assert told["steps"][0]["shown_at"] == told["steps"][1]["at"]
    assert (told["n_lists"], told["n_choices"], told["n_chosen"]) == (1, 1, 1)
    assert (await call("DELETE", "/v1/users/n%2Few")).status == 204
    assert (await call("GET", "/v1/users/n%2Few/exposures")).status == 404
    await server.client.shut_down()  # hands over what was taken down
    assert await server.cache.steps("n/ew") == []
    assert len(await server.cache.steps("u")) == 1


async def test_items_and_users_are_listed_page_by_page(server: Server) -> None:
    call = server.client.call
    items = [
        {"item_id": item_id, "title": f"Film {item_id}", "text": "long"} for item_id in ("a", "b/1", "null")
    ]
    assert (await call("PUT", "/v1/items", json=items)).status == 204
    first = (await call("GET", "/v1/items?limit=2")).json
    assert ([item["item_id"] for item in first["items"]], first["next_after"]) == (["a", "b/1"], "b/1")
    assert "text" not in first["items"][0]
    rest = (await call("GET", "/v1/items?limit=2&after=b%2F1&with_text=true")).json
    assert ([item["item_id"] for item in rest["items"]], rest["next_after"]) == (["null"], None)
    assert rest["items"][0]["text"] == "long"
    assert (await call("GET", "/v1/items?after=null")).json == {"items": [], "next_after": None}
    users = (await call("GET", "/v1/users?after=u&limit=1")).json
    assert users == {"user_ids": ["user/2"], "next_after": None}
    for wrong in ("/v1/items?limit=1001", "/v1/users?after=" + "x" * 257, "/v1/items/a/users?limit=101"):
        assert (await call("GET", wrong)).status == 400


async def test_users_who_chose_an_item_are_told(server: Server) -> None:
    call = server.client.call
    told = (await call("GET", "/v1/items/i1/users")).json
    assert told == {"item_id": "i1", "users": [{"user_id": "u", "chosen_at": None}], "next_after": None}
    assert (await call("GET", "/v1/items/i1/users?after=u")).status == 404  # it has no metadata either
    await call("PUT", "/v1/items/i1", json={"title": "A film"})
    assert (await call("GET", "/v1/items/i1/users?after=u")).json["users"] == []
    assert (await call("GET", "/v1/items/no%2Fsuch/users")).status == 404
    await call("DELETE", "/v1/users/u")
    assert (await call("GET", "/v1/items/i1/users")).json["users"] == []
