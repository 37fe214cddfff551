"""Feeds over HTTP: what is popular, what grows, what is new."""

from typing import Any, get_args

import pytest

from streamrec.domain.items.item import Item
from streamrec.domain.sources.feeds import WindowName
from streamrec.domain.sources.popular import WINDOWS
from streamrec.ports import RankedItem
from tests.unit.recommender_server.conftest import Server


def ranking(*item_ids: str) -> list[RankedItem]:
    return [RankedItem(item_id, 9.0 - place) for place, item_id in enumerate(item_ids)]


async def get(server: Server, target: str) -> Any:
    answer = await server.client.call("GET", target)
    assert answer.status == 200, answer.body
    return answer.json


async def ids(server: Server, target: str) -> list[str]:
    return [item["item_id"] for item in (await get(server, target))["items"]]


def test_windows_have_the_names_of_those_of_popularity() -> None:
    assert get_args(WindowName) == WINDOWS


async def test_what_is_popular_stays_while_the_last_minutes_change(server: Server) -> None:
    server.cache.publish_popular({"week": ranking("i1", "i2", "i3", "i4", "i5")})
    shown = []
    for turn in range(6, 16):
        server.cache.publish_popular({"hour": ranking(f"i{turn}", f"i{turn + 1}"), "recent": ranking("i9")})
        shown.append(await ids(server, "/v1/popular?k=5"))
    assert shown == [["i1", "i2", "i3", "i4", "i5"]] * 10
    assert (await ids(server, "/v1/popular?k=2&window=hour")) == ["i15", "i16"]


async def test_other_windows_fill_up_what_one_leaves_open(server: Server) -> None:
    server.cache.publish_popular({"week": ranking("i1"), "all": ranking("i2", "i1")})
    assert await ids(server, "/v1/popular?k=4") == ["i1", "i2", "i19", "i18"]


@pytest.mark.parametrize("feed", ["trending", "latest"])
async def test_a_feed_shows_its_ranking_without_hidden_items(server: Server, feed: str) -> None:
    assert (await get(server, f"/v1/{feed}"))["items"] == []
    await server.store.put_items([Item("i2", is_hidden=True), Item("i4", title="Four", categories=("c",))])
    server.cache.publish_popular({feed: ranking("i3", "i2", "i4"), f"{feed}:c": ranking("i4")})
    answer = await get(server, f"/v1/{feed}")
    assert [(item["item_id"], item["source"]) for item in answer["items"]] == [("i3", feed), ("i4", feed)]
    assert [item["score"] for item in answer["items"]] == [9.0, 7.0]
    assert (answer["based_on"], answer["degraded"], answer["next_cursor"]) == ("popular_items", False, None)
    assert await ids(server, f"/v1/{feed}?category=c") == ["i4"]


async def test_what_is_known_of_items_says_when_they_were_made(server: Server) -> None:
    dated = {"i5": "2001-09-09", "i6": 1_000_000_500, "i7": "2999-01-01", "i8": "yesterday"}
    await server.store.put_items(
        [Item(id_, categories=("c",), attributes={"created_at": at}) for id_, at in dated.items()]
    )
    appeared = [RankedItem("i1", 1e9), RankedItem("i8", 9e8), RankedItem("i5", 8e8), RankedItem("i7", 7e8)]
    server.cache.publish_popular({"latest": appeared})
    await get(server, "/v1/latest?filter=created_at=x")  # after which all items are known
    answer = await get(server, "/v1/latest")
    assert [item["item_id"] for item in answer["items"]] == ["i6", "i1", "i5", "i8", "i7"]
    assert answer["items"][0]["score"] == 1_000_000_500
    assert await ids(server, "/v1/latest?category=c&k=9") == ["i6", "i5"]
    assert await ids(server, "/v1/latest?filter=created_at%3C2001-09-09T01:50:00Z") == ["i5"]


async def test_feeds_have_pages_and_a_cursor_goes_on_with_its_own_feed(server: Server) -> None:
    names = [f"i{number}" for number in range(6)]
    server.cache.publish_popular({"trending": ranking(*names), "latest": ranking(*names)})
    first = await get(server, "/v1/trending?k=4")
    second = await get(server, f"/v1/trending?k=4&cursor={first['next_cursor']}")
    assert [item["item_id"] for item in first["items"] + second["items"]] == names
    other = await server.client.call("GET", f"/v1/latest?cursor={first['next_cursor']}")
    assert (other.status, "another question" in other.json["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/v1/popular?window=decade", "'window'"),
        ("/v1/trending?window=day", "no query parameter 'window'"),
        ("/v1/latest?k=1001", "'k'"),
    ],
)
async def test_what_does_not_fit_is_named(server: Server, target: str, words: str) -> None:
    answer = await server.client.call("GET", target)
    assert (answer.status, words in answer.json["detail"]) == (400, True)
