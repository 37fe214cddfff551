"""Filters over HTTP, on every list: what is read, what is refused, and what is told."""

from typing import Any
from urllib.parse import quote

import pytest

from streamrec.domain.items.item import Item
from streamrec.ports import RankedItem
from tests.unit.recommender_server.conftest import Server

LISTS = (
    "/v1/recommendations?user_id=u&exclude_seen=false",
    "/v1/recommendations?user_id=nobody",
    "/v1/recommendations?item_id=i9",
    "/v1/popular?",
    "/v1/trending?",
    "/v1/latest?",
    "/v1/items/i9/similar?",
)

ITEMS = [
    Item(
        f"i{row}",
        categories=("Drama",) if row < 4 else ("War & <script>",),
        attributes={"price": row, "in_stock": row % 2 == 0, 'say "so"': "'; DROP TABLE items; --"},
    )
    for row in range(20)
]


async def get(server: Server, target: str, *filters: str) -> Any:
    query = "".join(f"&filter={quote(written)}" for written in filters)
    answer = await server.client.call("GET", target + query)
    assert answer.status == 200, answer.body
    return answer.json


@pytest.fixture
async def stocked(server: Server) -> Server:
    await server.store.put_items(ITEMS)
    ranking = [RankedItem(item.item_id, 1.0) for item in ITEMS]
    server.cache.publish_popular({name: ranking for name in ("week", "all", "trending", "latest")})
    of_category = {f"{name}:{ITEMS[-1].categories[0]}": ranking[4:] for name in ("trending", "latest")}
    server.cache.publish_popular(of_category)
    return server


@pytest.mark.parametrize("target", LISTS)
async def test_every_list_shows_what_fulfils_all_conditions_and_nothing_else(
    stocked: Server, target: str
) -> None:
    fits = {"i0", "i4", "i6", "i8"}
    answer = await get(stocked, target, "price<9", "in_stock=true", "price!=2")
    found = [item["item_id"] for item in answer["items"]]
    # i2 is what the user dislikes and does not fit; of strangers nothing is known.
    assert set(found) == fits
    assert (answer["warnings"], answer["degraded"]) == ([], False)
    one = await get(stocked, target, 'category="War & <script>"', "price in (3, 5)")
    assert [item["item_id"] for item in one["items"]] == ["i5"]
    odd = await get(stocked, target, '"say \\"so\\""="\'; DROP TABLE items; --"', "price=4")
    assert [item["item_id"] for item in odd["items"]] == ["i4"]


@pytest.mark.parametrize("target", LISTS)
async def test_what_is_no_condition_is_refused_by_its_place(stocked: Server, target: str) -> None:
    answer = await stocked.client.call("GET", f"{target}&filter={quote('price<')}")
    assert answer.status == 400
    assert answer.json["detail"] == "filter 'price<': at character 7 (the end), expected is a value"
    answer = await stocked.client.call("GET", f"{target}&filter=")
    assert answer.status in (200, 400)
    many = await stocked.client.call("GET", target + "&filter=a=1" * 21)
    assert (many.status, "'filter'" in many.json["detail"]) == (400, True)
    long = await stocked.client.call("GET", f"{target}&filter=a={'x' * 1000}")
    assert (long.status, "'filter" in long.json["detail"]) == (400, True)


@pytest.mark.parametrize("target", LISTS)
async def test_unknown_attributes_and_categories_are_told(stocked: Server, target: str) -> None:
    answer = await get(stocked, target, "prize<5")
    assert answer["items"] == []
    assert answer["warnings"] == ["no item has the attribute 'prize'; did you mean 'price'?"]
    answer = await get(stocked, target, "category=Dramma")
    assert answer["warnings"] == ["no item is of the category 'Dramma'; did you mean 'Drama'?"]
    answer = await get(stocked, target + "&category=Dramma")
    assert answer["warnings"] == ["no item is of the category 'Dramma'; did you mean 'Drama'?"]


async def test_a_cursor_goes_with_its_filter(stocked: Server) -> None:
    first = await get(stocked, "/v1/popular?k=2", "price>3")
    assert [item["item_id"] for item in first["items"]] == ["i4", "i5"]
    target = f"/v1/popular?k=2&cursor={first['next_cursor']}"
    assert [item["item_id"] for item in (await get(stocked, target, "price>3"))["items"]] == ["i6", "i7"]
    other = await stocked.client.call("GET", target + "&filter=price%3E4")
    assert other.status == 400


async def test_an_equals_sign_need_not_be_escaped(stocked: Server) -> None:
    answer = await stocked.client.call("GET", "/v1/popular?filter=price=4&filter=in_stock=true")
    assert [item["item_id"] for item in answer.json["items"]] == ["i4"]
