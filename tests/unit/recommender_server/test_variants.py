"""Lists made beforehand over HTTP: in their order, without what may not be shown, filled up behind."""

from collections.abc import Sequence

import pytest

from streamrec.domain.items.batch_lists import Batch, ListedItem
from streamrec.domain.items.item import Item
from streamrec.domain.users.user import UserState
from streamrec.errors import Unavailable
from streamrec.ports import UserUpdates
from tests.asgi_client import Answer
from tests.unit.recommender_server.conftest import VECTOR, Server


async def publish(server: Server, name: str = "als", version: int = 1, **lists: Sequence[str]) -> None:
    written = {
        user_id: [ListedItem(item_id, 10.0 - n) for n, item_id in enumerate(item_ids)]
        for user_id, item_ids in lists.items()
    }
    await server.store.put_batch_lists(name, version, written)
    await server.store.publish_batch(Batch(name, version, len(written), 0.0))


async def asked(server: Server, query: str) -> Answer:
    return await server.client.call("GET", f"/v1/recommendations?{query}")


async def shown(server: Server, query: str) -> list[str]:
    answer = await asked(server, query)
    assert answer.status == 200, answer.json
    return [item["item_id"] for item in answer.json["items"]]


async def test_the_list_comes_in_its_order(server: Server) -> None:
    await publish(server, u=["i9", "i3", "only-listed", "i7"])
    answer = await asked(server, "user_id=u&variant=als&k=3")
    assert [(item["item_id"], item["score"], item["source"]) for item in answer.json["items"]] == [
        ("i9", 10.0, "batch"),
        ("i3", 9.0, "batch"),
        ("only-listed", 8.0, "batch"),
    ]
    assert answer.json["based_on"] == "user_id"
    assert not answer.json["degraded"]
    assert answer.json["next_cursor"] is None
    assert await shown(server, "user_id=u&k=3") != ["i9", "i3", "only-listed"]


async def test_what_is_seen_disliked_hidden_or_left_out_is_not_shown(server: Server) -> None:
    await server.store.put_items([Item("i4", is_hidden=True), Item("i5", title="Five", categories=("c",))])
    # u has seen i1 and dislikes i2.
    await publish(server, u=["i1", "i2", "i4", "i6", "i5"])
    answer = await asked(server, "user_id=u&variant=als&k=1&exclude_ids=i6")
    assert [(item["item_id"], item["title"]) for item in answer.json["items"]] == [("i5", "Five")]
    assert (await shown(server, "user_id=u&variant=als&k=2&exclude_seen=false"))[0] == "i1"
    assert (await shown(server, "user_id=u&variant=als&k=1&category=c")) == ["i5"]
    assert (await shown(server, "user_id=u&variant=als&k=1&only_ids=i5")) == ["i5"]
    assert (await shown(server, "user_id=u&variant=als&k=2&min_score=7"))[0] == "i6"


async def test_what_was_chosen_a_moment_ago_is_not_shown_any_more(server: Server) -> None:
    await publish(server, u=["i9", "i3"])
    event = {"user_id": "u", "item_id": "i9", "type": "interaction"}
    assert (await server.client.call("POST", "/v1/events", json=event)).status == 202
    assert (await shown(server, "user_id=u&variant=als&k=1")) == ["i3"]


async def test_a_short_list_is_filled_up_and_a_missing_one_replaced(server: Server) -> None:
    await publish(server, u=["i9", "i3"])
    without = await shown(server, "user_id=u&k=20")
    found = await shown(server, "user_id=u&variant=als&k=20")
    assert found == ["i9", "i3", *(item for item in without if item not in {"i9", "i3"})]
    stranger = await asked(server, "user_id=stranger&variant=als&k=4")
    assert stranger.json["based_on"] == "popular_items"
    assert stranger.json["popular_because"] == "unknown_user"
    assert [item["item_id"] for item in stranger.json["items"]] == await shown(server, "user_id=stranger&k=4")


async def test_an_unknown_variant_names_the_known_ones(server: Server) -> None:
    answer = await asked(server, "user_id=u&variant=als")
    assert answer.status == 400
    assert "no variant 'als'; there are: none is published" in answer.json["detail"]
    await publish(server, "ease", u=["i9"])
    await publish(server, "als-2", u=["i9"])
    answer = await asked(server, "user_id=u&variant=als")
    assert answer.status == 400
    assert "there are: 'als-2', 'ease'" in answer.json["detail"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("variant=als", "needs a user_id"),
        ("item_id=i1&variant=als", "needs a user_id"),
        (f"user_id=u&variant={'x' * 65}", "variant"),
        ("user_id=u&variant=%2Fals%00", "no variant"),
        ("user_id=u&variant=als&variant=ease", "variant"),
    ],
)
async def test_bad_requests_are_refused(server: Server, query: str, told: str) -> None:
    await publish(server, u=["i9"])
    answer = await asked(server, query)
    assert answer.status == 400
    assert told in answer.json["detail"]


async def test_an_empty_name_is_none(server: Server) -> None:
    await publish(server, u=["i9"])
    answers = [await asked(server, query) for query in ("user_id=u", "user_id=u&variant=")]
    lists = [[(item["item_id"], item["source"]) for item in answer.json["items"]] for answer in answers]
    assert [answer.status for answer in answers] == [200, 200]
    assert lists[0] == lists[1] != []


async def test_there_is_one_page(server: Server) -> None:
    await publish(server, u=["i9"])
    cursor = (await asked(server, "user_id=u&k=2")).json["next_cursor"]
    answer = await asked(server, f"user_id=u&k=2&variant=als&cursor={cursor}")
    assert answer.status == 400
    assert "leave out the cursor" in answer.json["detail"]


async def test_lists_that_are_published_anew_count_at_once(server: Server) -> None:
    await publish(server, u=["i9"])
    assert (await shown(server, "user_id=u&variant=als&k=1")) == ["i9"]
    await publish(server, version=2, u=["i5"])
    assert (await shown(server, "user_id=u&variant=als&k=1")) == ["i5"]


async def test_an_erased_user_has_no_list_any_more(server: Server) -> None:
    await publish(server, u=["i9"], v=["i8"])
    await server.store.put_batch_lists("als", 2, {"u": [ListedItem("i9", 1.0)]})  # not published yet
    assert (await server.client.call("DELETE", "/v1/users/u")).status == 204
    found = await asked(server, "user_id=u&variant=als&k=3")
    assert {item["source"] for item in found.json["items"]}.isdisjoint({"batch"})
    await server.store.publish_batch(Batch("als", 2, 1, 0.0))
    found = await asked(server, "user_id=u&variant=als&k=3")
    assert {item["source"] for item in found.json["items"]}.isdisjoint({"batch"})


async def test_without_the_store_there_is_still_an_answer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_away(*given: object) -> None:
        raise Unavailable("away")

    await publish(server, u=["i9"])
    for name in ("get_batches", "get_batch_list"):
        with monkeypatch.context() as patched:
            patched.setattr(server.store, name, is_away)
            answer = await asked(server, "user_id=u&variant=als&k=3")
            assert answer.status == 200
            assert answer.json["degraded"]
            assert len(answer.json["items"]) == 3
    lease = server.store.acquire("trainer", "test", 10.0, 0.0)
    assert lease is not None
    seen = UserUpdates([UserState("u", "g1", VECTOR, ("i9",), (), 1, 6.0)], [("u", "i9", 6.0)])
    server.store.publish_users(seen, lease)
    assert "i9" not in await shown(server, "user_id=u&variant=als&k=3")
